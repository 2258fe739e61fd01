import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadFunction } from './load.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-load-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, text: string) => writeFile(join(folder, name), text)

test('a handler file is loaded, whichever way its function is written', async () => {
  await write('handler.js', 'export default { name: "parrot", handleMessage: ({ text }) => text }')
  expect(await loadFunction(folder)).toMatchObject({
    name: 'parrot',
    receives: ['lares.skill.parrot.requested'],
  })
})

test('a folder without a handler is told by its path, with the remedy', async () => {
  await expect(loadFunction(folder)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(
      new RegExp(`${folder}: write handler.ts or SKILL.md, or put right "handler" in stack.yml`),
    ),
  })
})

test('a handler that does not load is told with its reason', async () => {
  await write('handler.mjs', 'import "./nothing.mjs"')
  await expect(loadFunction(folder)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/handler\.mjs cannot be loaded: .*nothing\.mjs/),
  })
})

test('a handler that exports something else is refused', async () => {
  await write('handler.js', 'export const nothing = 1')
  await expect(loadFunction(folder)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('must default-export'),
  })
})
