import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LintTarget, lintFunctions } from './lint-rules.ts'
import { readStackFile } from './lint-stack.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-lint-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Returns each finding as `problem function one: message`. */
async function lintMessages(target: LintTarget, functions: object): Promise<string[]> {
  const file = join(folder, 'stack.yml')
  await writeFile(file, JSON.stringify({ version: '1.0', functions }))
  const found = lintFunctions(await readStackFile(file, {}), target)
  return found.map(({ level, what, message }) => `${level} ${what}: ${message}`)
}

const image = 'docker.io/lares/one:latest'

test.each<[LintTarget, object, string]>([
  [
    'openfaas-ce',
    { labels: { 'com.openfaas.scale.zero': 'true' } },
    'problem function one: the label com.openfaas.scale.zero is refused',
  ],
  [
    'openfaas-ce',
    { labels: { 'com.openfaas.scale.max': '8' } },
    'problem function one: com.openfaas.scale.max is 8: at most 5',
  ],
  [
    'openfaas-ce',
    { annotations: { topic: 'a,b' } },
    'problem function one: the topic annotation "a,b" is refused for its comma',
  ],
  ['openfaas-ce', { constraints: ['disk=ssd'] }, 'warning function one: constraints are ignored'],
  [
    'openfaas-ce',
    { annotations: { 'com.lares.gpu': '1' } },
    'warning function one: com.lares.gpu is ignored',
  ],
  [
    'openfaas-ce',
    { image: '127.0.0.1:5000/lares/one' },
    'problem function one: the image 127.0.0.1:5000/lares/one is refused',
  ],
  ['openfaas-ce', { namespace: 'mine' }, 'problem function one: the namespace "mine" is refused'],
  [
    'openfaas-pro',
    { annotations: { 'com.lares.active-hours': 'daily 07:00-22:00 UTC' } },
    'warning function one: com.lares.active-hours is ignored',
  ],
  [
    'openfaas-pro',
    { limits: { 'nvidia.com/gpu': '1' } },
    'warning function one: faas-cli drops "nvidia.com/gpu"',
  ],
  [
    'knative',
    { constraints: ['disk!=ssd'] },
    'warning function one: "disk!=ssd" needs kubernetes.podspec-affinity',
  ],
  [
    'knative',
    { labels: { 'com.openfaas.scale.type': 'queue' } },
    'problem function one: one: Knative does not scale by waiting events',
  ],
  [
    'lares',
    { limits: { memory: 'lots' } },
    'problem function one: one: limits.memory: "lots" cannot be read',
  ],
  ['lares', { replicas: 3 }, 'warning function one: "replicas" is no key of a function'],
])('for %s, %j is found', async (target, more, expected) => {
  const found = await lintMessages(target, { one: { image, ...more } })
  expect(found.filter(line => line.startsWith(expected))).toHaveLength(1)
})

test('sixteen functions are one too many for the community edition alone', async () => {
  const functions = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`f-${n}`, { image }]))
  expect(await lintMessages('openfaas-ce', functions)).toContainEqual(
    expect.stringContaining('16 functions: at most 15'),
  )
  for (const target of ['openfaas-pro', 'knative', 'lares'] as const)
    expect(await lintMessages(target, functions)).toEqual([])
})

test('variables have their defaults, and this project’s own stack file is taken as it is by Lares', async () => {
  const functions = await readStackFile('stack.yml', { TAG: 'v1' })
  expect(functions.find(({ name }) => name === 'intent')?.image).toBe('127.0.0.1:5000/lares/intent:v1')
  expect(lintFunctions(functions, 'lares')).toEqual([])
})
