import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

/** Skills outside the checkout: a folder of SKILLS_PATH, which has no package.json above it that knows `#lares/*`. */
let skills: string
let model: ModelServer
let instance: LaresInstance

const writeSkill = async (name: string, source: string, file = 'handler.ts') => {
  await mkdir(join(skills, name), { recursive: true })
  await writeFile(join(skills, name, file), source)
}
const skillSource = (name: string, run: string) => `import * as z from 'zod'
import { defineSkill, formatTime, wallTime } from '#lares/skill'

export default defineSkill({
  name: '${name}',
  description: 'Says what the ${name} says.',
  examples: ['ask the ${name}', 'what does the ${name} say', 'use the ${name}'],
  input: z.object({}),
  init: () => ({ calls: 0 }),
  run: (_, { state, saidAt, timeZone }): string => ${run},
})
`
const counter = skillSource(
  'oracle',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the skill's own source
  '`${++state.calls}: ${typeof formatTime(wallTime(saidAt, timeZone))}`',
)

beforeAll(async () => {
  skills = await mkdtemp(join(tmpdir(), 'lares-skills-'))
  await writeSkill('oracle', counter)
  model = await startModelServer()
  instance = await startInstance({
    kind: 'embedded',
    modelUrl: model.url,
    environment: { SKILLS_PATH: skills },
  })
}, 60_000)
afterAll(async () => {
  await instance?.stop()
  await model?.close()
  await rm(skills, { recursive: true })
}, 60_000)

test('a skill in a folder of SKILLS_PATH answers, and keeps its state between calls', async () => {
  expect(await ask(instance, 'own', 'ask the oracle')).toBe('1: string')
  expect(await ask(instance, 'own', 'ask the oracle')).toBe('2: string')
})

test('a skill that is put there while Lares runs is there, and gone when its folder is removed', async () => {
  await writeSkill('parrot', skillSource('parrot', "'squawk'"))
  await until(() => instance.output().includes('the skill parrot is there'))
  await until(async () => (await ask(instance, 'own', 'ask the parrot')) === 'squawk')
  await rm(join(skills, 'parrot'), { recursive: true })
  await until(() => instance.output().includes('the skill parrot is removed'))
  expect(await ask(instance, 'own', 'ask the oracle')).toBe('3: string')
})

test('a skill that does not load is reported once with file and line, and the others go on', async () => {
  await writeSkill('broken', 'export default {\n  name: "broken",\n  handleMessage( {')
  await until(() => instance.output().includes('broken/handler.ts:3 cannot be loaded'))
  expect(await ask(instance, 'own', 'ask the oracle')).toBe('4: string')
  await writeSkill('misnamed', skillSource('other', "''"))
  await until(() => instance.output().includes('handler.ts defines \\"other\\", but its entry or folder'))
  expect(instance.output().match(/broken\/handler\.ts:3/g)).toHaveLength(1)
})

/** A `lares` command; resolves with what it printed, whatever its status. */
const lares = async (...args: string[]): Promise<string> => {
  const run = promisify(execFile)(process.execPath, ['infra/cli/main.ts', ...args], {
    env: { ...process.env, LARES_HOME: instance.home, SKILLS_PATH: skills, NO_COLOR: '1' },
  })
  const { stdout, stderr } = await run.catch((failed: { stdout: string; stderr: string }) => failed)
  return stdout + stderr
}

test('doctor loads them too', async () => {
  expect(await lares('doctor', '--json')).toContain('function broken')
  await rm(join(skills, 'broken'), { recursive: true })
  await rm(join(skills, 'misnamed'), { recursive: true })
})

test('lares new skill writes a skill that answers, whose test and types hold outside the checkout', async () => {
  expect(await lares('new', 'skill', 'marmot-fact', '--in', skills)).toContain(
    'npx lares test skill marmot-fact',
  )
  expect(await lares('new', 'skill', 'marmot-fact', '--in', skills)).toContain('choose another name')
  expect(await lares('new', 'skill', 'notes', '--in', skills)).toContain(
    'there is a skill "notes" in ./functions/',
  )
  expect(await lares('test', 'skill', 'marmot-fact')).toContain('1 passed')
  expect(await lares('test', 'skill', 'nothing')).toContain('there is no skill "nothing" in')
  await until(async () => (await ask(instance, 'own', 'marmot fact, please')) === 'marmot fact greets you.')
  const compiler = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', skills])
  expect((await compiler).stdout).toBe('')
}, 90_000)
