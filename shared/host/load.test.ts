import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StackFunction } from '../contract/stack.ts'
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
  const { message } = await loadInNode(entryOf('broken'))
  expect(message).toMatch(/handler\.mjs cannot be loaded: .*nothing\.mjs/)
})

test('a handler that exports something else is refused', async () => {
  await write('handler.js', 'export const nothing = 1')
  await expect(loadFunction(folder)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('must default-export'),
  })
})

/** Vitest imports modules in its own way, so these tests load with Node alone. */
async function loadInNode(entry: StackFunction): Promise<{ readsText?: boolean; message?: string }> {
  const script = `
    const { loadStackFunction } = await import(${JSON.stringify(import.meta.resolve('./load.ts'))})
    const { skill, message } = await loadStackFunction(${JSON.stringify(entry)}).catch(error => error)
    console.log(JSON.stringify({ readsText: skill?.readsText, message }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  return JSON.parse(stdout)
}
const entryOf = (name: string, topic = name) => ({ name, handler: folder, topics: [`lares.skill.${topic}`] })

test.each([
  ['handler.ts', 'export default {\n  name: "broken",\n  handleMessage( {', 3],
  ['handler.mjs', 'export default {\n  name: "broken"\n  handleMessage() {},\n}', 3],
  ['handler.ts', 'const one = 1\nenum Colour { red }\nexport default one', 2],
  ['handler.ts', 'const table: string[] = []\nexport default table[0]!.length', 2],
])('a mistake in %s is reported with its line: %j', async (name, source, line) => {
  await write(name, source)
  const { message } = await loadInNode(entryOf('broken'))
  expect(message).toContain(`${join(folder, name)}:${line} cannot be loaded: `)
})

test.each([
  ['an input with an unknown key', 'input: z.object({ a: z.string().meta({ aks: "Which?" }) })', /aks/],
  ['no input', 'title: {}', /the skill "broken" has no "input"/],
])('a skill that defineSkill refuses for %s is reported at its own line', async (_, input, reason) => {
  await write(
    'handler.ts',
    `import { defineSkill } from '#lares/skill'\nimport * as z from 'zod'\n
export default defineSkill({ name: 'broken', description: 'd', examples: ['e'], ${input}, run: () => 'x' } as never)`,
  )
  const { message } = await loadInNode(entryOf('broken'))
  expect(message).toContain(`${join(folder, 'handler.ts')}:4 cannot be loaded: `)
  expect(message).toMatch(reason)
})

test('a mistake in a file that the handler imports is reported with the place of that file', async () => {
  await write('handler.ts', 'import "./helper.ts"')
  await write('helper.ts', 'const one = 1\n\nconst = 2')
  const { message } = await loadInNode(entryOf('broken'))
  expect(message).toContain(`${join(folder, 'helper.ts')}:3 cannot be loaded`)
})

test('a handler outside the checkout has the API of skills and zod', async () => {
  await write(
    'handler.ts',
    `import * as z from 'zod'
     import { defineSkill, LaresError } from '#lares/skill'
     export default defineSkill({
       name: 'dice', description: 'Rolls dice.', examples: ['roll'], input: z.object({ count: z.int() }),
       run: () => { throw new LaresError('rejected', 'no dice') },
     })`,
  )
  expect(await loadInNode(entryOf('dice'))).toEqual({ readsText: true })
})

test('a handler with another name, or other topics, than its entry is refused with the remedy', async () => {
  await write('handler.js', 'export default { name: "parrot", handleMessage: ({ text }) => text }')
  expect(await loadInNode(entryOf('parrot'))).toEqual({ readsText: true })
  expect((await loadInNode(entryOf('echo'))).message).toMatch(
    /handler\.js defines "parrot", but its entry or folder is called "echo": give both the same name/,
  )
  expect((await loadInNode(entryOf('parrot', 'echo'))).message).toMatch(
    /the topic lares\.skill\.echo, but .*handler\.js takes lares\.skill\.parrot: put right its annotation "topic"/,
  )
})
