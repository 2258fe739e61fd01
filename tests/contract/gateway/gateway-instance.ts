import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildGateway, type Gateway } from '../../../gateway/app.ts'
import type { GatewayOptions } from '../../../gateway/options.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import type { GatewayConfig } from '../../../shared/config/files.ts'
import { createCausedEvent, type EventDraft, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { noAudit, noProtection } from '../../../shared/protection/unprotected.ts'
import { summarizeAttachments } from '../../../shared/store/attachment-notes.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { MessageStatus, Store } from '../../../shared/store/store.ts'
import { operationsWithoutFunctions } from '../../support/operations.ts'

export const OWNER_TOKEN = 'the-token-of-the-owner'
export const ALICE_TOKEN = 'the-token-of-alice'
export const BOB_TOKEN = 'the-token-of-bob-here'
export const ALLOWED_ORIGIN = 'https://home.example'

type ReceivedMessage = LaresEvent<'lares.message.received'>

/** The assistant's reaction to a message, as the test defines it. */
export type Turn = {
  message: ReceivedMessage
  emit(draft: EventDraft): Promise<void>
  chunk(offset: number, text: string): Promise<void>
  reply(text: string, status?: MessageStatus & ('completed' | 'failed' | 'interrupted')): Promise<void>
}
export type Responder = (turn: Turn) => Promise<void>

/** The simplest assistant: it repeats the message in two pieces. */
export const echo: Responder = async ({ message, chunk, reply }) => {
  const text = `You said: ${message.data.text}`
  await chunk(0, text.slice(0, 5))
  await chunk(5, text.slice(5))
  await reply(text)
}

export const silence: Responder = async () => undefined

export type TestGateway = {
  gateway: Gateway
  url: string
  bus: Bus
  conversations: Store
  /** Like a restart of the process: everything opens again on the same files, at the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
  /** Messages as they are on the bus. */
  publishedMessages(): Promise<ReceivedMessage[]>
  close(): Promise<void>
}

export const HIGH_LIMITS: GatewayConfig['maxWaiting'] = { conversation: 1_000, person: 1_000, all: 1_000 }

export type TestGatewayOptions = {
  responder?: Responder
  overrides?: Partial<GatewayOptions>
  maxBodyBytes?: number
  deliveries?: GatewayConfig['deliveries']
  maxWaiting?: Partial<GatewayConfig['maxWaiting']>
  port?: number
}

const TOPICS = ['message', 'stream', 'reply', 'intent', 'context', 'prompt', 'skill.calculator']

/** A gateway on the embedded drivers, and an assistant that answers as the test defines. */
export async function openTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const home = await mkdtemp(join(tmpdir(), 'lares-gateway-'))
  const port = options.port ?? (await freePort())
  const testGateway = { ...(await openGateway(home, options, port)) }
  const stop = () => testGateway.shut()
  const start = async () => {
    Object.assign(testGateway, await openGateway(home, options, port))
  }
  return Object.assign(testGateway, {
    stop,
    start,
    async restart() {
      await stop()
      await start()
    },
    async close() {
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  })
}

async function openGateway(home: string, options: TestGatewayOptions, port: number) {
  const bus = openSqliteBus({ file: join(home, 'bus.db') })
  const conversations = openSqliteStore(join(home, 'conversations.db'))
  const objects = openFolderObjects(join(home, 'objects'))
  await bus.ensureTopics(TOPICS.map(name => ({ name: `lares.${name}` })))
  const gateway = await buildGateway({
    bus,
    store: conversations,
    objects,
    audit: noAudit,
    operations: operationsWithoutFunctions({ bus, objects, store: conversations }),
    protection: noProtection,
    events: openEventLog(bus, objects),
    config: {
      people: [
        { person: 'alice', token: ALICE_TOKEN },
        { person: 'bob', token: BOB_TOKEN },
      ],
      groups: [{ id: 'kitchen', members: ['owner', 'alice'] }],
      allowedOrigins: [ALLOWED_ORIGIN],
      maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
      deliveries: options.deliveries ?? [],
      maxWaiting: { ...HIGH_LIMITS, ...options.maxWaiting },
    },
    ownerToken: OWNER_TOKEN,
    model: async () => 'echo/tiny',
    checks: { bus: bus.check, conversations: conversations.check },
    skillNames: async () => ['calculator'],
    log: silentLogger,
    ...options.overrides,
  })
  const shut = async () => {
    await gateway.close()
    await bus.close()
    await conversations.close()
  }
  const url = await gateway.listen('127.0.0.1', port).catch(async error => {
    await shut()
    await rm(home, { recursive: true, force: true })
    throw error
  })
  const subscription = await startResponder(bus, conversations, options.responder ?? echo)
  return {
    gateway,
    url,
    bus,
    conversations,
    publishedMessages: async () =>
      (await bus.read('lares.message')).map(record => eventFromRecord(record) as ReceivedMessage),
    async shut() {
      await subscription.close()
      await shut()
    },
  }
}

/** Dialog's part: the rows of a turn in one step, then the reply on the bus. */
async function startResponder(bus: Bus, store: Store, responder: Responder) {
  const log = openEventLog(bus, openFolderObjects(tmpdir()))
  const respondTo = async (message: ReceivedMessage) => {
    let index = 0
    const emit = (draft: EventDraft) =>
      log.publish([createCausedEvent(draft, { function: 'dialog', cause: message, index: index++ })])
    await writeStep(store, message, 'answering')
    await responder({
      message,
      emit,
      chunk: (offset, text) => emit({ type: 'lares.stream.extended', data: { step: 0, offset, text } }),
      async reply(text, status = 'completed') {
        await writeStep(store, message, 'answered', { text, status })
        await emit({ type: 'lares.reply.completed', data: replyTo(message, text, status) })
      },
    })
  }
  return await bus.subscribe({
    group: 'responder',
    topics: ['lares.message'],
    onRecords(records) {
      for (const record of records) respondTo(eventFromRecord(record) as ReceivedMessage).catch(ignoreClosed)
    },
  })
}

/** Work that the end of the process interrupts comes again, as nothing here is committed. */
const ignoreClosed = (error: unknown) => {
  if (!(error instanceof LaresError) || error.code !== 'unavailable') throw error
}

const replyTo = (
  { id, data }: ReceivedMessage,
  text: string,
  status: 'completed' | 'failed' | 'interrupted',
) => ({
  person: data.person,
  address: data.address,
  inReplyTo: id,
  answers: [id],
  question: data.text,
  text,
  status,
  usage: { inputTokens: 7, outputTokens: 11 },
  language: data.language,
})

async function writeStep(
  store: Store,
  { id, subject, data, time }: ReceivedMessage,
  status: MessageStatus,
  reply?: { text: string; status: MessageStatus },
) {
  const question = {
    id,
    role: 'user' as const,
    text: data.text,
    inReplyTo: null,
    createdAt: time,
    status,
    address: data.address,
    sender: data.sender,
    ...summarizeAttachments(data.attachments),
  }
  const answer = reply && {
    ...reply,
    id: derivedId(id, 'dialog', 99),
    role: 'assistant' as const,
    inReplyTo: id,
    createdAt: new Date().toISOString(),
  }
  await store.step({
    conversation: subject,
    person: data.person,
    eventId: `${id}/${status}`,
    apply: () => ({ state: {}, messages: answer ? [question, answer] : [question], outcome: null }),
  })
}
