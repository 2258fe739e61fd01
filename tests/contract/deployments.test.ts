import { type ChildProcess, spawn } from 'node:child_process'
import { access, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startGateway } from '../../gateway/start.ts'
import { diagnose } from '../../infra/cli/doctor/doctor.ts'
import { connectOperations } from '../../infra/cli/operations/operations.ts'
import { startConnectorProcess } from '../../infra/connector/start.ts'
import { startEmbedded } from '../../infra/embedded/embedded.ts'
import { freePort } from '../../shared/base/free-port.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { fixedTopics } from '../../shared/contract/topics.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'

const TOKEN = 'the-token-of-the-owner'
const YEAR_MS = 365 * 24 * 60 * 60 * 1_000
const WAIT = { timeout: 30_000, interval: 50 }

let home: string
let variables: Record<string, string>
let closing: (() => Promise<unknown>)[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-deployment-'))
  closing = []
  const port = await freePort()
  variables = {
    LARES_HOME: home,
    LARES_CONFIG: join(home, 'config'),
    LARES_COLD: join(home, 'cold'),
    LARES_TOKEN: TOKEN,
    LARES_LOG_LEVEL: 'error',
    PORT: String(port),
    OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    LARES_EMBEDDING_MODEL: 'none',
  }
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  await rm(home, { recursive: true, force: true })
})

const environment = () => readEnvironment(variables)

async function startInOneProcess(): Promise<void> {
  const { close } = await startEmbedded(environment(), silentLogger)
  closing.push(close)
}

/**
 * As `gateway/main.ts` and `infra/connector/main.ts` do it on Kafka: the gateway knows the connector by its URL alone. They
 * share the drivers here, since only one process can have the embedded log.
 */
async function startApart(): Promise<void> {
  variables.LARES_METRICS_PORT = String(await freePort())
  variables.LARES_CONNECTOR_URL = `http://127.0.0.1:${variables.LARES_METRICS_PORT}`
  const drivers = openDrivers(environment(), silentLogger)
  closing.push(drivers.close)
  const connector = await startConnectorProcess(environment(), drivers, silentLogger)
  closing.push(connector.close)
  closing.push((await startGateway(environment(), drivers, silentLogger)).close)
}

const operations = () => connectOperations(environment())
const status = async () => await (await operations()).status()

async function sendMessage(): Promise<{ id: string; conversation: string }> {
  const response = await fetch(`${environment().gatewayUrl}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ text: 'What is 2 + 2?' }),
  })
  expect(response.status).toBe(202)
  return (await response.json()) as { id: string; conversation: string }
}

/** An object that nobody has written for a year, as it lies in the object store of the deployment. */
async function writeOldObject(): Promise<void> {
  const objects = openFolderObjects(join(home, 'objects'))
  await objects.put('old/one', Buffer.from('sealed'))
  const before = new Date(Date.now() - YEAR_MS)
  await utimes(join(home, 'objects', 'old', 'one'), before, before)
}

const deployments = [
  { deployment: 'one process', start: startInOneProcess },
  { deployment: 'gateway and connector apart', start: startApart },
]

describe.each(deployments)('$deployment', ({ start }) => {
  test('the owner sees the functions, the connector, the journey of a message, and the dead letters', async () => {
    await start()
    const { id, conversation } = await sendMessage()
    const { trace, deadLetters, ...rest } = await operations()
    expect((await rest.status()).connector).toEqual({})
    expect((await rest.status()).functions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['intent', 'dialog', 'calculator']),
    )
    await vi.waitFor(async () => {
      const traced = await trace({ id: conversation, turns: 1 })
      expect(traced).toMatchObject({ conversation, person: 'owner', turns: [{ id }], knowsTries: true })
      expect(traced.turns[0]!.events[0]).toMatchObject({ type: 'lares.message.received', madeBy: 'gateway' })
    }, WAIT)
    expect(await deadLetters.list()).toEqual([])
  })

  test('objects that nobody has written for long are archived', async () => {
    await writeOldObject()
    await start()
    await vi.waitFor(() => access(join(home, 'cold', 'old', 'one')), WAIT)
  })
})

test('the connector process starts the same background work as one process does', async () => {
  const embedded = await startEmbedded(environment(), silentLogger)
  await embedded.close()
  const drivers = openDrivers(environment(), silentLogger)
  const connector = await startConnectorProcess(environment(), drivers, silentLogger)
  closing.push(drivers.close, connector.close)
  expect(connector.tasks).toEqual(embedded.tasks)
  expect(embedded.tasks).toEqual(['connector', 'timers', 'journal retention', 'archive'])
})

/** A connector in a process of its own, which has a log of its own: only whether it answers matters here. */
async function spawnConnector(): Promise<ChildProcess> {
  const adminPort = await freePort()
  variables.LARES_CONNECTOR_URL = `http://127.0.0.1:${adminPort}`
  const connector = spawn(process.execPath, ['infra/connector/main.ts'], {
    env: {
      ...process.env,
      ...variables,
      LARES_HOME: join(home, 'elsewhere'),
      LARES_METRICS_PORT: String(adminPort),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const exited = new Promise(resolve => connector.once('exit', resolve))
  closing.push(async () => {
    connector.kill('SIGKILL')
    await exited
  })
  return connector
}

test('a frozen connector and a dead one are problems in the status and for doctor', async () => {
  const connector = await spawnConnector()
  const drivers = openDrivers(environment(), silentLogger)
  closing.push(drivers.close)
  await (await drivers.bus()).ensureTopics(fixedTopics())
  closing.push((await startGateway(environment(), drivers, silentLogger)).close)
  await vi.waitFor(async () => expect((await status()).connector).toEqual({}), WAIT)
  connector.kill('SIGSTOP')
  expect((await status()).connector?.problem).toMatch(
    /does not answer \(no answer within 2 s\).*start it again/,
  )
  connector.kill('SIGCONT')
  await vi.waitFor(async () => expect((await status()).connector).toEqual({}), WAIT)
  connector.kill('SIGKILL')
  await vi.waitFor(
    async () => expect((await status()).connector?.problem).toMatch(/the connection is refused/),
    WAIT,
  )
  const findings = await diagnose(variables)
  expect(findings).toContainEqual(expect.objectContaining({ what: 'connector', level: 'problem' }))
})
