import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { print } from './terminal.ts'

export type NewSkill = { files: string[]; lines: number }

/**
 * Writes a skill that works: its handler, its test, and its entry at the end of stack.yml.
 * Errors: `invalid_request` for a name that is none, `conflict` when it is there already.
 */
export async function newSkill(root: string, name: string): Promise<NewSkill> {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(name))
    throw new LaresError('invalid_request', `"${name}" is no name: lower-case letters, digits and dashes`)
  const folder = join(root, 'functions', 'skills', name)
  const stackFile = join(root, 'stack.yml')
  const stack = await readStack(stackFile)
  if (existsSync(folder) || stack.some(known => known.name === name))
    throw new LaresError('conflict', `there is a function "${name}" already; choose another name`)
  await mkdir(folder, { recursive: true })
  const handler = handlerOf(name)
  await writeFile(join(folder, 'handler.ts'), handler)
  await writeFile(join(folder, 'handler.test.ts'), testOf(name))
  const before = await readFile(stackFile, 'utf8')
  await appendFile(stackFile, `${before.endsWith('\n') ? '' : '\n'}\n${entryOf(name)}`)
  if (!(await readStack(stackFile)).some(known => known.name === name))
    throw new LaresError(
      'invalid_config',
      `${stackFile} does not end with "functions", so its entry has to be put into place by hand`,
    )
  return {
    files: ['handler.ts', 'handler.test.ts'].map(file => join('functions', 'skills', name, file)),
    lines: handler.trim().split('\n').length,
  }
}

const handlerOf = (name: string) => `import * as z from 'zod'
import { defineSkill } from '#lares/skill'

export default defineSkill({
  name: '${name}',
  description: 'Says back what it was given.',
  examples: ['${words(name)}, please', 'use ${words(name)}', 'what does ${words(name)} say?'],
  input: z.object({ subject: z.string().default('you') }),
  run: ({ subject }) => ({ text: \`${words(name)} greets \${subject}.\`, data: { subject } }),
})
`

const testOf = (name: string) => `import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Kit, openKit } from '#lares/test'
import skill from './handler.ts'

let kit: Kit
beforeAll(async () => {
  kit = await openKit()
})
afterAll(() => kit.close())

test('it answers', async () => {
  expect(await kit.ask(skill, '${words(name)}, please')).toMatchObject({ status: 'ok', text: '${words(name)} greets you.' })
})
`

const entryOf = (name: string) => `  ${name}:
    lang: node24
    handler: ./functions/skills/${name}
    image: \${REGISTRY:-127.0.0.1:5000}/lares/${name}:\${TAG:-latest}
    annotations:
      topic: lares.skill.${name}
`

const words = (name: string) => name.replaceAll('-', ' ')

export async function newSkillCommand(root: string, name: string): Promise<number> {
  const { files, lines } = await newSkill(root, name)
  print(`${files.join(' and ')} are written (${lines} lines), and stack.yml has the function.`)
  print(`Try it: npx vitest run functions/skills/${name}    Deploy it: faas-cli deploy --filter ${name}`)
  return 0
}
