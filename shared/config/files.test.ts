import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../base/log.ts'
import { watchConfiguration } from './configuration-watch.ts'
import { readConfig, requireConfigDirectory } from './files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

const problemsOf = async (name: 'assistant' | 'gateway', yaml: string) => {
  await writeFile(join(folder, `${name}.yaml`), yaml)
  try {
    readConfig(folder, name)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

test('each value that is wrong is named by file and key, with what it is and what it must be', async () => {
  const gateway = async (yaml: string) => await problemsOf('gateway', yaml)
  expect(await gateway('people: [{person: alice, token: short}]')).toBe(
    `${folder}/gateway.yaml: "people.0.token" must be text of at least 16 characters`,
  )
  expect(await gateway('people: alice')).toMatch('"people" is "alice", and must be a list')
  expect(await gateway('people: [{token: "0123456789abcdef"}]')).toMatch('"people.0.person" is missing')
  const [a, b] = ['a', 'b'].map(letter => letter.repeat(16))
  expect(await gateway(`people: [{person: ann, token: ${a}}, {person: bob, token: ${a}}]`)).toBe(
    `${folder}/gateway.yaml: "people" must be a list with a token of its own for each entry`,
  )
  expect(await gateway(`people: [{person: owner, token: ${b}}]`)).toMatch('must be a list without "owner"')
  expect(await gateway('groups: [{id: k, members: [owner]}, {id: k, members: [owner]}]')).toMatch(
    '"groups" must be a list with an id of its own for each group',
  )
  expect(await gateway('maxBodyBytes: 12')).toMatch('"maxBodyBytes" is 12, and must be at least 1024')
  expect(await gateway('timeZone: Mars')).toMatch('"timeZone" is "Mars", and must be an IANA time zone')
  expect(await problemsOf('assistant', 'mode: fast')).toMatch(
    '"mode" is "fast", and must be one of queue, merge',
  )
  expect(await problemsOf('assistant', 'maxSteps: 1.5')).toMatch(
    '"maxSteps" is 1.5, and must be a whole number',
  )
  expect(await problemsOf('assistant', 'nam: Ada')).toMatch('unknown key "nam"; known are name')
})

test('a configuration folder that LARES_CONFIG names must be there', () => {
  const missing = join(folder, 'nowhere')
  expect(() => requireConfigDirectory(missing, { LARES_CONFIG: missing })).toThrow(/there is no such folder/)
  requireConfigDirectory(missing, {})
  requireConfigDirectory(folder, { LARES_CONFIG: folder })
})

test('a file that changes after the start is told once, and no more when it is put back', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  await writeFile(join(folder, 'assistant.yaml'), 'name: Lares\n')
  const warn = vi.fn()
  const watch = watchConfiguration(folder, { ...silentLogger, warn })
  expect(watch.changedFiles()).toEqual([])
  await writeFile(join(folder, 'assistant.yaml'), 'name: Ada\n')
  vi.advanceTimersByTime(10_000)
  expect(watch.changedFiles()).toEqual(['assistant.yaml'])
  expect(warn.mock.calls.map(([, message]) => message)).toEqual([
    'assistant.yaml has changed since the start: restart Lares to use it',
  ])
  await writeFile(join(folder, 'assistant.yaml'), 'name: Lares\n')
  expect(watch.changedFiles()).toEqual([])
  watch.close()
  vi.useRealTimers()
})
