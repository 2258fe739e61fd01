import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePort } from '../../../shared/base/free-port.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { diagnose } from './doctor.ts'
import type { Finding } from './finding.ts'

// Each diagnosis starts programs to ask for their versions, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

let folder: string
let port: number
const servers: { close(): unknown }[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-doctor-'))
  port = await freePort()
  await mkdir(join(folder, 'config'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

const diagnoseWith = (variables: NodeJS.ProcessEnv = {}) =>
  diagnose({
    PORT: String(port),
    LARES_HOME: join(folder, 'home'),
    LARES_CONFIG: join(folder, 'config'),
    LARES_CACHE: join(folder, 'cache'),
    ...variables,
  })

const findingOf = (findings: Finding[], what: string) => findings.find(finding => finding.what === what)

async function startServer(port: number, answer: (path: string) => unknown): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(request.url!)))
  })
  server.listen(port, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  servers.push(server)
  return server
}

test('on a fresh machine nothing is wrong but the model that is still to come', async () => {
  const findings = await diagnoseWith()
  for (const what of ['node', 'disk', 'home', 'configuration', 'keys', 'port', 'bus'])
    expect(findingOf(findings, what), what).toMatchObject({ level: 'ok' })
  expect(findingOf(findings, 'model')).toMatchObject({
    level: 'warning',
    message: expect.stringContaining('at the first message that needs it'),
  })
  expect(findingOf(findings, 'function intent')).toMatchObject({ level: 'ok', message: 'its handler loads' })
})

test('a master key that is away, no key, or for everybody to read is told with its remedy', async () => {
  const home = join(folder, 'home')
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'keys.db'), '')
  const keys = async (variables: NodeJS.ProcessEnv = {}) => findingOf(await diagnoseWith(variables), 'keys')
  expect(await keys()).toMatchObject({ level: 'problem', message: expect.stringMatching('put it back') })
  const key = Buffer.alloc(32, 1).toString('base64')
  await writeFile(join(home, 'master.key'), key, { mode: 0o644 })
  expect(await keys()).toMatchObject({ level: 'warning', message: expect.stringMatching('chmod 600') })
  await chmod(join(home, 'master.key'), 0o600)
  expect(await keys()).toMatchObject({ level: 'ok', message: expect.stringMatching('beside the data') })
  await writeFile(join(home, 'master.key'), 'short')
  expect(await keys()).toMatchObject({ level: 'problem', message: expect.stringMatching('instead of 32') })
  expect(await keys({ LARES_PROTECTION: 'off' })).toMatchObject({
    level: 'warning',
    message: expect.stringMatching('plain text'),
  })
})

test('embeddings that are off, still to come or on a server that has none are told', async () => {
  const embeddings = async (variables: NodeJS.ProcessEnv = {}) =>
    findingOf(await diagnoseWith(variables), 'embeddings')
  expect(await embeddings()).toMatchObject({
    level: 'warning',
    message: expect.stringMatching('at its first use'),
  })
  expect(await embeddings({ LARES_EMBEDDING_MODEL: 'none' })).toMatchObject({
    level: 'ok',
    message: expect.stringMatching('words alone'),
  })
  const server = await startServer(0, () => ({ error: { message: 'no such model' } }))
  const OPENAI_BASE_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await embeddings({ LARES_EMBEDDING_MODEL: 'bge-m3', OPENAI_BASE_URL })).toMatchObject({
    level: 'problem',
  })
})

test('a wrong variable is told by its name', async () => {
  expect(findingOf(await diagnoseWith({ LARES_BUS: 'rabbit' }), 'environment')).toMatchObject({
    level: 'problem',
    message: expect.stringContaining('LARES_BUS'),
  })
})

test('a configuration file with an unknown key is told by file and key', async () => {
  await writeFile(join(folder, 'config', 'assistant.yaml'), 'nam: Ada\n')
  expect(findingOf(await diagnoseWith(), 'configuration')).toMatchObject({
    level: 'problem',
    message: expect.stringMatching(/assistant\.yaml: unknown key "nam"/),
  })
})

test('another program on the port is told, with the remedy', async () => {
  await startServer(port, () => ({ hello: 'I am another program' }))
  expect(findingOf(await diagnoseWith(), 'port')).toMatchObject({
    level: 'problem',
    message: expect.stringMatching(/another program than a gateway of Lares .*: set PORT/),
  })
})

test('a log that another process has open is told', async () => {
  await mkdir(join(folder, 'home'))
  const bus = openSqliteBus({ file: join(folder, 'home', 'bus.db') })
  try {
    expect(findingOf(await diagnoseWith(), 'bus')).toMatchObject({
      level: 'problem',
      message: expect.stringContaining('in use by another process'),
    })
  } finally {
    await bus.close()
  }
})

test('a model file that is not there is told', async () => {
  expect(findingOf(await diagnoseWith({ LARES_MODEL: join(folder, 'none.gguf') }), 'model')).toMatchObject({
    level: 'problem',
    message: expect.stringContaining('none.gguf is no file'),
  })
})

test('a model server that is away, or lists other models, is told', async () => {
  const server = await startServer(0, () => ({ object: 'list', data: [{ id: 'tiny' }, { id: 'large' }] }))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const variables = { OPENAI_BASE_URL: url, LARES_MODEL: 'tiny' }
  expect(findingOf(await diagnoseWith(variables), 'model')).toEqual({
    what: 'model',
    level: 'ok',
    message: `tiny on ${url}`,
  })
  const other = (await diagnoseWith({ ...variables, LARES_MODEL: 'huge' })).filter(
    ({ what }) => what === 'model',
  )
  expect(other).toEqual([
    expect.objectContaining({ level: 'ok' }),
    expect.objectContaining({
      level: 'warning',
      message: 'the server does not list huge: set LARES_MODEL to one of tiny, large',
    }),
  ])
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  expect(findingOf(await diagnoseWith(variables), 'model')).toMatchObject({
    level: 'problem',
    message: expect.stringContaining('OPENAI_BASE_URL'),
  })
})

test('the tools for Kafka are looked for only where Kafka is the bus', async () => {
  expect(findingOf(await diagnoseWith(), 'java')).toBeUndefined()
})

/** A data directory with one message of one person, encrypted, as a start leaves it. */
async function makeInstance(): Promise<void> {
  const environment = readEnvironment({ LARES_HOME: join(folder, 'home') })
  const drivers = openDrivers(environment, silentLogger)
  const store = await drivers.store()
  await drivers.protection!.keys.getOrCreate('alice')
  await store.history.accept({
    conversation: 'c',
    person: 'alice',
    message: {
      id: 'm',
      role: 'user',
      text: 'hello',
      inReplyTo: null,
      createdAt: '2026-05-01T12:00:00.000Z',
      status: 'completed',
    },
  })
  await drivers.close()
}

test('a key ring that a start would refuse is refused with the same words', async () => {
  await makeInstance()
  const home = join(folder, 'home')
  const keys = async () => findingOf(await diagnoseWith(), 'keys')
  expect(await keys()).toMatchObject({ level: 'ok', message: expect.stringMatching('opens the key ring') })
  const masterKey = await readFile(join(home, 'master.key'))
  await writeFile(join(home, 'master.key'), Buffer.alloc(32, 7).toString('base64'))
  expect(await keys()).toMatchObject({
    level: 'problem',
    message: expect.stringMatching('locked with another master key'),
  })
  await writeFile(join(home, 'master.key'), masterKey)
  for (const name of ['keys.db', 'keys.db-wal', 'keys.db-shm']) await rm(join(home, name), { force: true })
  expect(await keys()).toMatchObject({
    level: 'problem',
    message: expect.stringMatching(/keys\.db is missing .*from its own backup/),
  })
})

test('a damaged database is told with its file and the remedy', async () => {
  await makeInstance()
  const file = join(folder, 'home', 'conversations.db')
  expect((await diagnoseWith()).filter(({ what }) => what === 'database')).toHaveLength(2)
  const bytes = await readFile(file)
  bytes.fill(0xa5, 3 * 4_096, 8 * 4_096)
  await writeFile(file, bytes)
  const findings = (await diagnoseWith()).filter(({ what }) => what === 'database')
  expect(findings).toContainEqual(expect.objectContaining({ level: 'ok' }))
  expect(findings).toContainEqual({
    what: 'database',
    level: 'problem',
    message: expect.stringMatching(/conversations\.db is damaged .*put the file back from a backup/),
  })
})

test('a configuration folder that is not there is told, as a start tells it', async () => {
  expect(
    findingOf(await diagnoseWith({ LARES_CONFIG: join(folder, 'nowhere') }), 'configuration'),
  ).toMatchObject({
    level: 'problem',
    message: expect.stringMatching(/nowhere, and there is no such folder/),
  })
})

test('a file of the configuration that changed since the start is told', async () => {
  const notice = 'assistant.yaml has changed since the start: restart Lares to use it'
  await startServer(port, () => ({ ready: true, parts: {}, notices: [notice] }))
  expect((await diagnoseWith()).filter(({ what }) => what === 'configuration')).toContainEqual({
    what: 'configuration',
    level: 'warning',
    message: notice,
  })
})
