import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startConnector } from '../../../infra/connector/connector.ts'
import { httpInvoker } from '../../../infra/connector/invokers/http-invoker.ts'
import { openProviderStore } from '../../../infra/provider/store.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import { createRootEvent, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { fixedTopics, requiredTopics } from '../../../shared/contract/topics.ts'
import { providerSource } from '../../../shared/host/function-directory.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import {
  deploymentRequest,
  openProviderFixture,
  PASSWORD,
  type ProviderFixture,
} from '../../support/provider.ts'
import { until } from '../../support/until.ts'

/** The same dice each time, so that a failure is repeatable. */
const CHANGES = 100
const NAMES = ['storm-a', 'storm-b']

/** https://prng.di.unimi.it/ has better ones; for this it is good enough. */
function createDice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * sides)
  }
}

const request = (name: string, n: number) =>
  createRootEvent({
    id: `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    source: '/lares/tests',
    type: `lares.skill.${name}.requested`,
    conversation: `talk-${n % 7}`,
    data: {
      callId: String(n),
      step: 0,
      person: 'owner',
      input: null,
      text: `message ${n}`,
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
    },
  })

test(`${CHANGES} deployments, updates, removals, sleeps and kills at random while messages flow lose nothing and leave no process over`, async () => {
  const instance = await openProviderFixture()
  const pids = new Set<number>()
  try {
    await runStorm(instance, pids)
  } finally {
    await instance.close()
  }
  await until(() => [...pids].every(isGone))
}, 300_000)

/** Notes every process that was started. */
async function runStorm(harness: ProviderFixture, seenPids: Set<number>): Promise<void> {
  const bus = openSqliteBus({ file: join(harness.folder, 'bus.db') })
  const conversations = openSqliteStore(join(harness.folder, 'conversations.db'))
  const events = openEventLog(bus, openFolderObjects(join(harness.folder, 'objects')))
  const functions = NAMES.map(name => ({ name, topics: [`lares.skill.${name}`] }))
  await bus.ensureTopics([...fixedTopics(), ...requiredTopics(functions, [])])
  const roll = createDice(7)
  const notePids = () => {
    const store = openProviderStore(join(harness.home, 'provider', 'provider.db'))
    const running = store.replicas().map(({ replica }) => Number(replica.handle.pid))
    store.close()
    for (const pid of running) seenPids.add(pid)
    return running
  }
  let version = 0
  const write = (name: string) =>
    harness.write(
      name,
      `export default { name: '${name}', async handleMessage({ text }) {
         await new Promise(resolve => setTimeout(resolve, ${roll(50)})); return text + ' ${++version}' } }`,
    )
  const change = async (name: string) => {
    const kind = roll(4)
    if (kind === 0) killProcess(notePids().at(-1))
    else if (kind === 1) await harness.system('POST', `scale-function/${name}`, { replicas: roll(3) })
    else {
      await write(name)
      if (kind === 2) await harness.system('DELETE', 'functions', { functionName: name })
      const answer = await harness.system(kind === 2 ? 'POST' : 'PUT', 'functions', deploymentRequest(name))
      expect([answer.status, await answer.text()]).toEqual([202, ''])
    }
    notePids()
  }
  for (const name of NAMES) {
    await write(name)
    await harness.system('POST', 'functions', deploymentRequest(name))
  }
  const invoker = httpInvoker({ urlOf: name => `${harness.url()}/function/${name}` })
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue: openCatalogue(conversations.records),
    log: silentLogger,
    source: providerSource(harness.url(), async () => PASSWORD),
    refreshIntervalMs: 100,
    retry: { baseDelayMs: 20, maxDelayMs: 200, maxUnreachableDelayMs: 200 },
  })
  let sent = 0
  const flow = setInterval(() => {
    for (const name of NAMES) void events.publish([request(name, ++sent)])
  }, 50)
  const end = async () => {
    clearInterval(flow)
    await connector.close()
    await invoker.close()
    await conversations.close()
    await bus.close()
  }
  try {
    for (let n = 0; n < CHANGES; n++) await change(NAMES[roll(NAMES.length)]!)
    clearInterval(flow)
    await checkAnswers(bus, sent)
  } finally {
    await end()
  }
}

/** A replica that has ended meanwhile cannot be killed, and there is none when all sleep. */
function killProcess(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Every message gets one answer, or is a dead letter of a function that had been removed. */
async function checkAnswers(bus: Bus, sent: number): Promise<void> {
  const on = async (topic: string) => (await bus.read(topic, { limit: 100_000 })).map(eventFromRecord)
  const answered = await until(async () => {
    const found = new Set((await on('lares.result')).map(({ correlationid }) => correlationid))
    const dead = (await on('lares.deadletter')) as LaresEvent<'lares.deadletter.recorded'>[]
    const deadIds = new Set(dead.map(({ correlationid }) => correlationid).filter(id => !found.has(id)))
    return found.size + deadIds.size === sent ? { told: deadIds, dead } : undefined
  }, 60_000)
  // On a slow machine a replaced function may be unreachable for longer than a removed one is waited for.
  const reasons = new Set(answered.dead.map(({ data }) => data.error.message))
  expect([...reasons].filter(reason => !reason.endsWith('was removed'))).toEqual([])
  const results = await on('lares.result')
  // An event that a kill repeats has the id of its first time.
  expect(new Set(results.map(({ id }) => id)).size).toBe(sent - answered.told.size)
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
