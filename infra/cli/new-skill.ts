import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { print } from './terminal.ts'

export type CreatedSkill = { files: string[]; lines: number }

/**
 * Writes a skill that works: its handler, its test, and its entry at the end of stack.yml.
 * Errors: `invalid_request` for a name that is none, `conflict` when it is there already.
 */
export async function createSkill(root: string, name: string): Promise<CreatedSkill> {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(name))
    throw new LaresError('invalid_request', `"${name}" is no name: lower-case letters, digits and dashes`)
  const folder = join(root, 'functions', 'skills', name)
  const stackFile = join(root, 'stack.yml')
  const stack = await readStack(stackFile)
  if (existsSync(folder) || stack.some(known => known.name === name))
    throw new LaresError('conflict', `there is a function "${name}" already; choose another name`)
  await mkdir(folder, { recursive: true })
  const handler = handlerSource(name)
  await writeFile(join(folder, 'handler.ts'), handler)
  await writeFile(join(folder, 'handler.test.ts'), testSource(name))
  const stackText = await readFile(stackFile, 'utf8')
  await appendFile(stackFile, `${stackText.endsWith('\n') ? '' : '\n'}\n${stackEntry(name)}`)
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

const handlerSource = (name: string) => `import * as z from 'zod'
import { defineSkill } from '#lares/skill'

export default defineSkill({
  name: '${name}',
  description: 'Says back what it was given.',
  examples: ['${spokenName(name)}, please', 'use ${spokenName(name)}', 'what does ${spokenName(name)} say?'],
  input: z.object({ subject: z.string().default('you') }),
  run: ({ subject }) => ({ text: \`${spokenName(name)} greets \${subject}.\`, data: { subject } }),
})
`

const testSource = (name: string) => `import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Kit, openKit } from '#lares/test'
import skill from './handler.ts'

let kit: Kit
beforeAll(async () => {
  kit = await openKit()
})
afterAll(() => kit.close())

test('it answers', async () => {
  expect(await kit.ask(skill, '${spokenName(name)}, please')).toMatchObject({ status: 'ok', text: '${spokenName(name)} greets you.' })
})
`

const stackEntry = (name: string) => `  ${name}:
    lang: node24
    handler: ./functions/skills/${name}
    image: \${REGISTRY:-127.0.0.1:5000}/lares/${name}:\${TAG:-latest}
    annotations:
      topic: lares.skill.${name}
`

const spokenName = (name: string) => name.replaceAll('-', ' ')

export async function newSkillCommand(root: string, name: string): Promise<number> {
  const { files, lines } = await createSkill(root, name)
  print(`${files.join(' and ')} are written (${lines} lines), and stack.yml has the function.`)
  print(`Try it: npx vitest run functions/skills/${name}    Deploy it: faas-cli deploy --filter ${name}`)
  return 0
}
