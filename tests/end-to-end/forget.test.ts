import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noLog } from '../../shared/base/log.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import type { AuditEntry } from '../../shared/protection/audit/entry.ts'
import { ask, type Row, replyTo } from '../support/conversation.ts'
import { type House, startHouse, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { bytesOf, compact, sumOf } from '../support/stores/planted.ts'
import { until } from '../support/until.ts'

const ALICE = 'token-of-alice-in-tests'
const WORDS = [
  'zwiebelrost',
  'quarkpfeffer',
  'jubelkasten',
  'xylomantik',
  '芝麻菜園丁',
  'mondfischig',
  'kraxelhuber',
]
const [CHAT, NOTE, DELETED, MEMORY, CHINESE, ATTACHED, REMINDER] = WORDS as [string, ...string[]]
const OWN = 'bratwurstig'

let model: ModelServer
let config: string
const houses: House[] = []

beforeAll(async () => {
  model = await startModelServer()
  config = await mkdtemp(join(tmpdir(), 'lares-config-'))
  await writeFile(join(config, 'gateway.yaml'), `people:\n  - person: alice\n    token: ${ALICE}\n`)
})
afterAll(async () => {
  for (const house of houses) await house.stop()
  await model?.close()
  await rm(config, { recursive: true })
})

async function start(environment: Record<string, string> = {}): Promise<House> {
  const house = await startHouse({
    kind: 'embedded',
    modelUrl: model.url,
    environment: { LARES_CONFIG: config, ...environment },
  })
  houses.push(house)
  return house
}

/** The house as Alice reaches it. */
const asAlice = (house: House): House => ({
  ...house,
  request: (path, init = {}) =>
    house.request(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${ALICE}` } }),
})

/** What a person leaves in every place that there is. */
async function plant(house: House): Promise<void> {
  const alice = asAlice(house)
  await ask(alice, 'talk', `tell me about ${CHAT}`)
  await ask(alice, 'talk', `take a note: buy ${NOTE}`)
  await ask(alice, 'talk', `take a note: sell ${DELETED}`)
  await ask(alice, 'talk', `delete the note about ${DELETED}`)
  await ask(alice, 'talk', `remember that my favourite plant is ${MEMORY}`)
  await ask(alice, 'zh', `记住我的老师叫${CHINESE}`)
  await ask(alice, 'talk', `remind me in two hours to feed ${REMINDER}`)
  await ask(alice, 'talk', `remind me in three hours to see ${REMINDER}`)
  await ask(alice, 'talk', 'cancel all reminders')
  await ask(alice, 'talk', `remind me in two hours to feed ${REMINDER}`)
  await ask(alice, 'talk', `bad ${CHAT} [fail:400]`)
  const body = {
    conversation: 'files',
    text: `${'x'.repeat(300_000)} ${CHAT}`,
    attachments: [
      {
        name: `${ATTACHED}.txt`,
        mediaType: 'text/plain',
        data: Buffer.from(`all about ${ATTACHED}`).toString('base64'),
      },
    ],
  }
  const sent = await alice.request('/api/messages', { method: 'POST', body: JSON.stringify(body) })
  expect(sent.status).toBe(202)
  await replyTo(alice, 'files', ((await sent.json()) as Row).id)
  await ask(house, 'mine', `take a note: eat ${OWN}`)
}

async function lares(house: House, args: string[], environment: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/cli/lares.mjs', ...args], {
    env: { ...process.env, LARES_HOME: house.home, LARES_CONFIG: config, ...environment },
  })
  return stdout
}

/** All that is to be recorded was, by whom it was, and of the forgotten nothing but that there was somebody. */
async function checkAudit(house: House): Promise<void> {
  await house.request('/api/session', { method: 'POST', body: JSON.stringify({ token: TOKEN }) })
  await house.request('/api/trace/mine')
  const entries: AuditEntry[] = JSON.parse(await lares(house, ['audit', 'show', '--json', '--last', '1000']))
  const by = (action: string) =>
    new Set(entries.filter(entry => entry.action === action).map(entry => entry.by))
  expect([by('signed-in'), by('read'), by('forgot')]).toEqual([
    new Set(['owner']),
    new Set(['owner']),
    new Set(['operator']),
  ])
  expect([...by('tool-used')].sort()).toEqual(['alice', expect.stringMatching(/^forgotten \(key:/), 'owner'])
  expect(
    entries.filter(({ action }) => action === 'configuration-changed').map(({ about }) => about.file),
  ).toEqual(['gateway.yaml'])
  const verdict = JSON.parse(await lares(house, ['audit', 'verify', '--json']))
  expect(verdict).toMatchObject({
    problems: [],
    entries: entries.length,
    anchor: { sequence: entries.length },
  })
  tell(`audit: ${await lares(house, ['audit', 'verify'])}`)
}

/** Everything that is there; a file that is renamed while it is copied is copied with the next try. */
async function backUp(home: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await cp(home, to, { recursive: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 5) throw error
      await rm(to, { recursive: true, force: true })
    }
}

const told: string[] = []
const tell = (line: string) => told.push(line)
afterAll(() => process.stdout.write(`${told.join('\n')}\n`))

describe('forgetting a person', () => {
  test('destroys the key and the rows while the house runs; no byte of what was said is on disk, before or after compaction', async () => {
    const house = await start()
    await plant(house)
    tell(`encrypted, bytes found before: ${sumOf(await bytesOf([...WORDS, OWN], house.home))}`)
    const backup = `${house.home}-backup`
    await backUp(house.home, backup)

    const report = JSON.parse(await lares(house, ['forget', 'alice', '--yes', '--json']))
    tell(`encrypted, forgotten: ${JSON.stringify(report)}`)
    expect(report).toMatchObject({
      person: 'alice',
      keys: 1,
      conversations: 3,
      timers: 3,
      objects: expect.any(Number),
    })
    for (const kind of ['messages', 'documents', 'objects']) expect(report[kind]).toBeGreaterThan(0)
    // Again: there is nothing left to do.
    expect(JSON.parse(await lares(house, ['forget', 'alice', '--yes', '--json']))).toEqual({
      person: 'alice',
      keys: 0,
      conversations: 0,
      messages: 0,
      documents: 0,
      timers: 0,
      vectors: 0,
      objects: 0,
    })

    const alice = asAlice(house)
    expect(await (await alice.request('/api/conversations')).json()).toEqual({ conversations: [] })
    expect(await ask(alice, 'talk', 'list my notes')).not.toContain(NOTE)
    expect(await ask(house, 'mine', 'list my notes')).toContain(OWN)
    // The log is read anew from its beginning, and what is forgotten is passed over.
    await until(async () => {
      const status = (await (await house.request('/api/status')).json()) as { functions: { lag: number }[] }
      return status.functions.every(({ lag }) => lag === 0)
    })

    await checkAudit(house)
    expect(await bytesOf(WORDS, house.home)).toEqual([])
    await house.halt()
    expect(await bytesOf(WORDS, house.home)).toEqual([])
    tell(`encrypted, bytes found after forgetting: ${sumOf(await bytesOf(WORDS, house.home))}`)
    await compact(house.home)
    expect(await bytesOf(WORDS, house.home)).toEqual([])
    tell(`encrypted, bytes found after compaction: ${sumOf(await bytesOf(WORDS, house.home))}`)

    // A backup of the stores opens with the ring of today for everybody but the forgotten.
    for (const name of ['keys.db', 'master.key']) await cp(join(house.home, name), join(backup, name))
    await rm(join(backup, 'keys.db-wal'), { force: true })
    const drivers = openDrivers(readEnvironment({ LARES_HOME: backup }), noLog)
    const { history, documents } = await drivers.conversations()
    const notes = async (person: string) =>
      (await documents.list({ collection: 'notes', person, limit: 9 })).map(({ text }) => text)
    expect(await history.list('talk', { limit: 50 })).toEqual([])
    expect([await notes('alice'), await notes('owner')]).toEqual([[], [`eat ${OWN}`]])
    await drivers.close()
    await rm(backup, { recursive: true })
  }, 120_000)

  test('is asked for by name, and refused where nobody can be asked', async () => {
    const house = houses[0]!
    await expect(lares(house, ['forget', 'alice'])).rejects.toMatchObject({ code: 1, stderr: /--yes/ })
  })

  test('what is written without encryption is found on disk by the same search, and forgetting leaves it on the log', async () => {
    const house = await start({ LARES_PROTECTION: 'off' })
    await plant(house)
    const off = { LARES_PROTECTION: 'off' }
    for (const word of WORDS) expect(sumOf(await bytesOf([word], house.home)), word).toBeGreaterThan(0)
    tell(`plain text, bytes found before: ${sumOf(await bytesOf(WORDS, house.home))}`)
    await lares(house, ['forget', 'alice', '--yes'], off)
    await house.halt()
    await compact(house.home)
    const left = await bytesOf(WORDS, house.home)
    tell(`plain text, bytes found after forgetting and compaction: ${JSON.stringify(left)}`)
    expect(left.map(({ file }) => file)).toEqual(['bus.db'])
    await expect(lares(house, ['audit', 'verify'])).rejects.toMatchObject({
      stderr: /begun without encryption/,
    })
  }, 120_000)
})
