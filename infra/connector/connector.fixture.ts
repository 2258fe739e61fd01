import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { type Log, noLog } from '../../shared/base/log.ts'
import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { partitionOf } from '../../shared/bus/partition.ts'
import { openSqliteBus } from '../../shared/bus/sqlite/sqlite-bus.ts'
import { type Catalogue, openCatalogue } from '../../shared/contract/catalogue.ts'
import {
  type AnyFunction,
  defineFunction,
  type FunctionDefinition,
} from '../../shared/contract/definition.ts'
import { firstEvent, type LaresEvent } from '../../shared/contract/events/event.ts'
import { type EventLog, openEventLog } from '../../shared/contract/events/event-log.ts'
import type { EventData } from '../../shared/contract/events/event-types.ts'
import { fromRecord } from '../../shared/contract/events/kafka-binding.ts'
import { type Invocable, invocable } from '../../shared/contract/invoke.ts'
import { topicsOf } from '../../shared/contract/plugin.ts'
import { standingTopics } from '../../shared/contract/topics.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import { openSqliteConversations } from '../../shared/store/sqlite/sqlite-store.ts'
import type { Conversations } from '../../shared/store/store.ts'
import { type Connector, type ConnectorOptions, startConnector } from './connector.ts'
import { inlineInvoker } from './invokers/inline-invoker.ts'

export const PATIENCE = { timeout: 10_000, interval: 5 }
export const until = (check: () => unknown) => vi.waitFor(check, PATIENCE)

/** As the connector's own, but in milliseconds where that has seconds. */
export const QUICK = { baseMs: 2, maxMs: 10, maxAwayMs: 10 }

type Received = 'lares.message.received' | 'lares.timer.fired'
type Stage = FunctionDefinition<Received, never>

/** A function that takes messages and timers, and does with them what a test gives it to do. */
export const stage = (handle: Stage['handle'], more: Partial<Stage> = {}): AnyFunction =>
  defineFunction<Received>({
    name: 'stage',
    receives: ['lares.message.received', 'lares.timer.fired'],
    emits: ['lares.result.returned', 'lares.stream.extended'],
    handle,
    ...more,
  })

export const message = (id: string, conversation: string, text = id) =>
  firstEvent({
    id,
    source: '/lares/tests',
    type: 'lares.message.received',
    conversation,
    data: {
      person: 'owner',
      text,
      attachments: [],
      channel: 'api',
      language: 'en',
      timeZone: 'Europe/Berlin',
    },
  })

export const timer = (id: string, conversation: string) =>
  firstEvent({
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

export const result = (text: string) =>
  ({ type: 'lares.result.returned', data: { callId: 'c', step: 0, status: 'ok', text } }) as const

export const chunk = (offset: number, text = 'x') =>
  ({ type: 'lares.stream.extended', data: { step: 0, offset, text } }) as const

/** Keys that live on one partition. */
export function neighbours(count: number, partition = 0): string[] {
  const keys: string[] = []
  for (let n = 0; keys.length < count; n++)
    if (partitionOf(`talk-${n}`, 6) === partition) keys.push(`talk-${n}`)
  return keys
}

export type Works = {
  folder: string
  bus: Bus
  events: EventLog
  catalogue: Catalogue
  conversations: Conversations
  objects: Objects
  functions: Map<string, Invocable>
  /** Adds a function to what the source tells. */
  deploy(definition: AnyFunction, name?: string): void
  withdraw(name: string): void
  start(options?: Partial<ConnectorOptions>): Promise<Connector>
  /** All events on a topic. */
  on(topic: string): Promise<LaresEvent[]>
  results(): Promise<string[]>
  dead(): Promise<EventData<'lares.deadletter.recorded'>[]>
  lag(name?: string): Promise<number>
  /** The same works as a power cut at this moment would leave them. */
  afterPowerCut(): Promise<Works>
  close(): Promise<void>
}

export async function openWorks(log: Log = noLog): Promise<Works> {
  return await openIn(await mkdtemp(join(tmpdir(), 'lares-works-')), log)
}

async function openIn(folder: string, log: Log): Promise<Works> {
  const bus = openSqliteBus({ file: join(folder, 'bus', 'bus.db') })
  const objects = openFolderObjects(join(folder, 'objects'))
  const conversations = openSqliteConversations(join(folder, 'conversations.db'))
  const catalogue = openCatalogue(conversations.documents, () => 0)
  const events = openEventLog(bus, objects)
  const functions = new Map<string, Invocable>()
  const deployed = new Map<string, string[]>()
  const connectors: Connector[] = []
  const others: Works[] = []
  await bus.ensureTopics(standingTopics())
  const read = async (topic: string): Promise<BusRecord[]> => await bus.read(topic, { limit: 10_000 })
  const on = async (topic: string) => (await read(topic)).map(fromRecord)
  return {
    folder,
    bus,
    events,
    catalogue,
    conversations,
    objects,
    functions,
    deploy(definition, name = definition.name) {
      functions.set(name, invocable(definition, { services: {}, objects, log: noLog }))
      deployed.set(name, topicsOf(definition))
    },
    withdraw: name => void deployed.delete(name),
    async start(options) {
      const connector = await startConnector({
        bus,
        events,
        catalogue,
        log,
        invoker: inlineInvoker(functions),
        source: async () => [...deployed].map(([name, topics]) => ({ name, topics })),
        refreshEveryMs: 20,
        ...options,
        retry: { ...QUICK, ...options?.retry },
      })
      connectors.push(connector)
      return connector
    },
    on,
    results: async () =>
      (await on('lares.result')).map(event => (event as LaresEvent<'lares.result.returned'>).data.text),
    dead: async () =>
      (await on('lares.deadletter')).map(event => (event as LaresEvent<'lares.deadletter.recorded'>).data),
    async lag(name = 'stage') {
      const partitions = await bus.lag(`lares.${name}`, deployed.get(name)!)
      return partitions.reduce((sum, { lag }) => sum + lag, 0)
    },
    async afterPowerCut() {
      const copy = await mkdtemp(join(tmpdir(), 'lares-works-'))
      await cp(join(folder, 'bus'), join(copy, 'bus'), { recursive: true })
      const works = await openIn(copy, log)
      others.push(works)
      return works
    },
    async close() {
      for (const connector of connectors) await connector.close()
      for (const other of others) await other.close()
      await bus.close()
      await conversations.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** A place where a handler waits until the test opens it. */
export function gate() {
  const opened = Promise.withResolvers<void>()
  return { passed: opened.promise, open: opened.resolve }
}
