import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { type Logger, silentLogger } from '../../shared/base/log.ts'
import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { partitionOf } from '../../shared/bus/partition.ts'
import { openSqliteBus } from '../../shared/bus/sqlite/sqlite-bus.ts'
import { type Catalogue, openCatalogue } from '../../shared/contract/catalogue.ts'
import {
  type AnyFunction,
  defineFunction,
  type FunctionDefinition,
} from '../../shared/contract/definition.ts'
import { webOrigin } from '../../shared/contract/events/address.ts'
import { createRootEvent, type LaresEvent } from '../../shared/contract/events/event.ts'
import { type EventLog, openEventLog } from '../../shared/contract/events/event-log.ts'
import type { EventData } from '../../shared/contract/events/event-types.ts'
import { eventFromRecord } from '../../shared/contract/events/kafka-binding.ts'
import { createInvocable, type Invocable } from '../../shared/contract/invoke.ts'
import { topicsOf } from '../../shared/contract/plugin.ts'
import { fixedTopics } from '../../shared/contract/topics.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import { openSqliteStore } from '../../shared/store/sqlite/sqlite-store.ts'
import type { Store } from '../../shared/store/store.ts'
import { type Connector, type ConnectorOptions, startConnector } from './connector.ts'
import { inlineInvoker } from './invokers/inline-invoker.ts'

export const WAIT_OPTIONS = { timeout: 50_000, interval: 5 }
export const waitUntil = (check: () => unknown) => vi.waitFor(check, WAIT_OPTIONS)

/** The connector's policy with milliseconds in place of seconds. */
export const FAST_RETRY_POLICY = { baseDelayMs: 2, maxDelayMs: 10, maxUnreachableDelayMs: 10 }

type ReceivedType = 'lares.message.received' | 'lares.timer.fired'
type TestFunction = FunctionDefinition<ReceivedType, never>

/** A function that takes messages and timers and passes them to the test's handler. */
export const testFunction = (handle: TestFunction['handle'], more: Partial<TestFunction> = {}): AnyFunction =>
  defineFunction<ReceivedType>({
    name: 'stage',
    receives: ['lares.message.received', 'lares.timer.fired'],
    emits: ['lares.result.returned', 'lares.stream.extended'],
    handle,
    ...more,
  })

export const messageEvent = (id: string, conversation: string, text = id) =>
  createRootEvent({
    id,
    source: '/lares/tests',
    type: 'lares.message.received',
    conversation,
    data: {
      person: 'owner',
      text,
      attachments: [],
      ...webOrigin('owner', conversation),
      language: 'en',
      timeZone: 'Europe/Berlin',
    },
  })

export const timerEvent = (id: string, conversation: string) =>
  createRootEvent({
    id,
    source: '/lares/tests',
    type: 'lares.timer.fired',
    conversation,
    data: {
      timerId: id,
      person: 'owner',
      text: id,
      language: 'en',
      dueAt: '2026-05-01T12:00:00Z',
      firedAt: '2026-05-01T12:00:00Z',
    },
  })

export const resultDraft = (text: string) =>
  ({ type: 'lares.result.returned', data: { callId: 'c', step: 0, status: 'ok', text } }) as const

export const streamDraft = (offset: number, text = 'x') =>
  ({ type: 'lares.stream.extended', data: { step: 0, offset, text } }) as const

/** Keys that all lie on one partition. */
export function keysOnPartition(count: number, partition = 0): string[] {
  const keys: string[] = []
  for (let n = 0; keys.length < count; n++)
    if (partitionOf(`talk-${n}`, 6) === partition) keys.push(`talk-${n}`)
  return keys
}

export type ConnectorTestBed = {
  folder: string
  bus: Bus
  events: EventLog
  catalogue: Catalogue
  conversations: Store
  objects: Objects
  functions: Map<string, Invocable>
  /** Adds a function to the deployed functions. */
  deploy(definition: AnyFunction, name?: string): void
  undeploy(name: string): void
  start(options?: Partial<ConnectorOptions>): Promise<Connector>
  /** All events on a topic. */
  eventsOn(topic: string): Promise<LaresEvent[]>
  results(): Promise<string[]>
  deadLetters(): Promise<EventData<'lares.deadletter.recorded'>[]>
  lag(name?: string): Promise<number>
  /** The same test bed in the state that a power cut at this moment would leave. */
  afterPowerCut(): Promise<ConnectorTestBed>
  close(): Promise<void>
}

export async function openConnectorTestBed(log: Logger = silentLogger): Promise<ConnectorTestBed> {
  return await openTestBedIn(await mkdtemp(join(tmpdir(), 'lares-works-')), log)
}

async function openTestBedIn(folder: string, log: Logger): Promise<ConnectorTestBed> {
  const bus = openSqliteBus({ file: join(folder, 'bus', 'bus.db') })
  const objects = openFolderObjects(join(folder, 'objects'))
  const conversations = openSqliteStore(join(folder, 'conversations.db'))
  const catalogue = openCatalogue(conversations.records, () => 0)
  const events = openEventLog(bus, objects)
  const functions = new Map<string, Invocable>()
  const deployed = new Map<string, string[]>()
  const connectors: Connector[] = []
  const copies: ConnectorTestBed[] = []
  await bus.ensureTopics(fixedTopics())
  const read = async (topic: string): Promise<BusRecord[]> => await bus.read(topic, { limit: 10_000 })
  const eventsOn = async (topic: string) => (await read(topic)).map(eventFromRecord)
  return {
    folder,
    bus,
    events,
    catalogue,
    conversations,
    objects,
    functions,
    deploy(definition, name = definition.name) {
      functions.set(name, createInvocable(definition, { services: {}, objects, log: silentLogger }))
      deployed.set(name, topicsOf(definition))
    },
    undeploy: name => void deployed.delete(name),
    async start(options) {
      const connector = await startConnector({
        bus,
        events,
        catalogue,
        log,
        invoker: inlineInvoker(functions),
        source: async () => [...deployed].map(([name, topics]) => ({ name, topics })),
        refreshIntervalMs: 20,
        ...options,
        retry: { ...FAST_RETRY_POLICY, ...options?.retry },
      })
      connectors.push(connector)
      return connector
    },
    eventsOn,
    results: async () =>
      (await eventsOn('lares.result')).map(event => (event as LaresEvent<'lares.result.returned'>).data.text),
    deadLetters: async () =>
      (await eventsOn('lares.deadletter')).map(
        event => (event as LaresEvent<'lares.deadletter.recorded'>).data,
      ),
    async lag(name = 'stage') {
      const partitions = await bus.lag(`lares.${name}`, deployed.get(name)!)
      return partitions.reduce((sum, { lag }) => sum + lag, 0)
    },
    async afterPowerCut() {
      const copyFolder = await mkdtemp(join(tmpdir(), 'lares-works-'))
      await cp(join(folder, 'bus'), join(copyFolder, 'bus'), { recursive: true })
      const copiedTestBed = await openTestBedIn(copyFolder, log)
      copies.push(copiedTestBed)
      return copiedTestBed
    },
    async close() {
      for (const connector of connectors) await connector.close()
      for (const other of copies) await other.close()
      await bus.close()
      await conversations.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** A gate at which a handler waits until the test opens it. */
export function openGate() {
  const opened = Promise.withResolvers<void>()
  return { passed: opened.promise, open: opened.resolve }
}
