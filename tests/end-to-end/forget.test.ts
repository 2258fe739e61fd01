import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../shared/base/log.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import type { AuditEntry } from '../../shared/protection/audit/entry.ts'
import { ask, type MessageRow, waitForReply } from '../support/conversation.ts'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { findPlantedWords, totalBytes, vacuumDatabases } from '../support/stores/planted.ts'
import { until } from '../support/until.ts'

const ALICE_TOKEN = 'token-of-alice-in-tests'
const SECRET_WORDS = [
  'zwiebelrost',
  'quarkpfeffer',
  'jubelkasten',
  'xylomantik',
  '芝麻菜園丁',
  'mondfischig',
  'kraxelhuber',
]
const [CHAT, NOTE, DELETED, MEMORY, CHINESE, ATTACHED, REMINDER] = SECRET_WORDS as [string, ...string[]]
const OWNER_WORD = 'bratwurstig'

let model: ModelServer
let configDirectory: string
const instances: LaresInstance[] = []

beforeAll(async () => {
  model = await startModelServer()
  configDirectory = await mkdtemp(join(tmpdir(), 'lares-config-'))
  await writeFile(
    join(configDirectory, 'gateway.yaml'),
    `people:\n  - person: alice\n    token: ${ALICE_TOKEN}\n`,
  )
})
afterAll(async () => {
  for (const instance of instances) await instance.stop()
  await model?.close()
  await rm(configDirectory, { recursive: true })
})

async function openInstance(environment: Record<string, string> = {}): Promise<LaresInstance> {
  const instance = await startInstance({
    kind: 'embedded',
    modelUrl: model.url,
    environment: { LARES_CONFIG: configDirectory, ...environment },
  })
  instances.push(instance)
  return instance
}

/** The instance as Alice reaches it. */
const asAlice = (instance: LaresInstance): LaresInstance => ({
  ...instance,
  request: (path, init = {}) =>
    instance.request(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${ALICE_TOKEN}` } }),
})

/** A person's traces in every place of the instance. */
async function writePersonalData(instance: LaresInstance): Promise<void> {
  const alice = asAlice(instance)
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
  await waitForReply(alice, 'files', ((await sent.json()) as MessageRow).id)
  await ask(instance, 'mine', `take a note: eat ${OWNER_WORD}`)
}

async function runLares(instance: LaresInstance, args: string[], environment: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/cli/lares.mjs', ...args], {
    env: { ...process.env, LARES_HOME: instance.home, LARES_CONFIG: configDirectory, ...environment },
  })
  return stdout
}

/** The audit log has every event with its actor, and of the forgotten person only the id of a key. */
async function checkAudit(instance: LaresInstance): Promise<void> {
  await instance.request('/api/session', { method: 'POST', body: JSON.stringify({ token: TOKEN }) })
  await instance.request('/api/trace/mine')
  const entries: AuditEntry[] = JSON.parse(
    await runLares(instance, ['audit', 'show', '--json', '--last', '1000']),
  )
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
  const verdict = JSON.parse(await runLares(instance, ['audit', 'verify', '--json']))
  expect(verdict).toMatchObject({
    problems: [],
    entries: entries.length,
    anchor: { sequence: entries.length },
  })
  addSummaryLine(`audit: ${await runLares(instance, ['audit', 'verify'])}`)
}

/** Everything that is there; a file that is renamed while it is copied is copied with the next try. */
async function backUp(home: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      return await cp(home, to, { recursive: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw error
      await rm(to, { recursive: true, force: true })
    }
}

const summaryLines: string[] = []
const addSummaryLine = (line: string) => summaryLines.push(line)
afterAll(() => process.stdout.write(`${summaryLines.join('\n')}\n`))

describe('forgetting a person', () => {
  test('destroys the key and the rows while the instance runs; no byte of what was said is on disk, before or after compaction', async () => {
    const instance = await openInstance()
    await writePersonalData(instance)
    addSummaryLine(
      `encrypted, bytes found before: ${totalBytes(await findPlantedWords([...SECRET_WORDS, OWNER_WORD], instance.home))}`,
    )
    const backup = `${instance.home}-backup`
    await backUp(instance.home, backup)

    const report = JSON.parse(await runLares(instance, ['forget', 'alice', '--yes', '--json']))
    addSummaryLine(`encrypted, forgotten: ${JSON.stringify(report)}`)
    expect(report).toMatchObject({
      person: 'alice',
      keys: 1,
      conversations: 3,
      timers: 3,
      objects: expect.any(Number),
    })
    for (const kind of ['messages', 'documents', 'objects']) expect(report[kind]).toBeGreaterThan(0)
    // Again: there is nothing left to do.
    expect(JSON.parse(await runLares(instance, ['forget', 'alice', '--yes', '--json']))).toEqual({
      person: 'alice',
      keys: 0,
      conversations: 0,
      messages: 0,
      documents: 0,
      timers: 0,
      vectors: 0,
      objects: 0,
    })

    const alice = asAlice(instance)
    expect(await (await alice.request('/api/conversations')).json()).toEqual({ conversations: [] })
    expect(await ask(alice, 'talk', 'list my notes')).not.toContain(NOTE)
    expect(await ask(instance, 'mine', 'list my notes')).toContain(OWNER_WORD)
    // The log is read again from its beginning, and readers skip the forgotten person's records.
    await until(async () => {
      const status = (await (await instance.request('/api/status')).json()) as {
        functions: { lag: number }[]
      }
      return status.functions.every(({ lag }) => lag === 0)
    })

    await checkAudit(instance)
    expect(await findPlantedWords(SECRET_WORDS, instance.home)).toEqual([])
    await instance.halt()
    expect(await findPlantedWords(SECRET_WORDS, instance.home)).toEqual([])
    addSummaryLine(
      `encrypted, bytes found after forgetting: ${totalBytes(await findPlantedWords(SECRET_WORDS, instance.home))}`,
    )
    await vacuumDatabases(instance.home)
    expect(await findPlantedWords(SECRET_WORDS, instance.home)).toEqual([])
    addSummaryLine(
      `encrypted, bytes found after compaction: ${totalBytes(await findPlantedWords(SECRET_WORDS, instance.home))}`,
    )

    // A backup of the stores opens with the ring of today for everybody but the forgotten.
    for (const name of ['keys.db', 'master.key']) await cp(join(instance.home, name), join(backup, name))
    await rm(join(backup, 'keys.db-wal'), { force: true })
    const drivers = openDrivers(readEnvironment({ LARES_HOME: backup }), silentLogger)
    const { history, records } = await drivers.store()
    const notes = async (person: string) =>
      (await records.list({ collection: 'notes', person, limit: 9 })).map(({ text }) => text)
    expect(await history.list('talk', { limit: 50 })).toEqual([])
    expect([await notes('alice'), await notes('owner')]).toEqual([[], [`eat ${OWNER_WORD}`]])
    await drivers.close()
    await rm(backup, { recursive: true })
  }, 120_000)

  test('is asked for by name, and refused where nobody can be asked', async () => {
    const instance = instances[0]!
    await expect(runLares(instance, ['forget', 'alice'])).rejects.toMatchObject({ code: 1, stderr: /--yes/ })
  })

  test('what is written without encryption is found on disk by the same search, and forgetting leaves it on the log', async () => {
    const instance = await openInstance({ LARES_PROTECTION: 'off' })
    await writePersonalData(instance)
    const off = { LARES_PROTECTION: 'off' }
    for (const word of SECRET_WORDS)
      expect(totalBytes(await findPlantedWords([word], instance.home)), word).toBeGreaterThan(0)
    addSummaryLine(
      `plain text, bytes found before: ${totalBytes(await findPlantedWords(SECRET_WORDS, instance.home))}`,
    )
    await runLares(instance, ['forget', 'alice', '--yes'], off)
    await instance.halt()
    await vacuumDatabases(instance.home)
    const left = await findPlantedWords(SECRET_WORDS, instance.home)
    addSummaryLine(`plain text, bytes found after forgetting and compaction: ${JSON.stringify(left)}`)
    expect(left.map(({ file }) => file)).toEqual(['bus.db'])
    await expect(runLares(instance, ['audit', 'verify'])).rejects.toMatchObject({
      stderr: /begun without encryption/,
    })
  }, 120_000)
})
