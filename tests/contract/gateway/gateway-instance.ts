import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildGateway, type Gateway } from '../../../gateway/app.ts'
import type { Parts } from '../../../gateway/context.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import { noLog } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import type { GatewayConfig } from '../../../shared/config/files.ts'
import { causedEvent, type Draft, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import { fromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { notesOf } from '../../../shared/store/attachment-notes.ts'
import { openSqliteConversations } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { Conversations, MessageStatus } from '../../../shared/store/store.ts'

export const TOKEN = 'the-token-of-the-owner'
export const ALICE = 'the-token-of-alice'
export const ALLOWED = 'https://home.example'

type Received = LaresEvent<'lares.message.received'>

/** What a test lets the assistant do with a message. */
export type Turn = {
  message: Received
  emit(draft: Draft): Promise<void>
  chunk(offset: number, text: string): Promise<void>
  reply(text: string, status?: MessageStatus & ('completed' | 'failed' | 'interrupted')): Promise<void>
}
export type Responder = (turn: Turn) => Promise<void>

/** The simplest assistant: it says what it heard, in two pieces. */
export const echo: Responder = async ({ message, chunk, reply }) => {
  const text = `You said: ${message.data.text}`
  await chunk(0, text.slice(0, 5))
  await chunk(5, text.slice(5))
  await reply(text)
}

export const silence: Responder = async () => undefined

export type House = {
  gateway: Gateway
  url: string
  bus: Bus
  conversations: Conversations
  /** As a restart of the process: everything is opened anew on the same files, at the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
  /** Messages as they are on the bus. */
  published(): Promise<Received[]>
  close(): Promise<void>
}

export const PLENTY: GatewayConfig['maxWaiting'] = { conversation: 1_000, person: 1_000, all: 1_000 }

export type HouseOptions = {
  responder?: Responder
  parts?: Partial<Parts>
  maxBodyBytes?: number
  deliveries?: GatewayConfig['deliveries']
  maxWaiting?: Partial<GatewayConfig['maxWaiting']>
  port?: number
}

const TOPICS = ['message', 'stream', 'reply', 'intent', 'context', 'prompt', 'skill.calculator']

/** A gateway on the embedded drivers, and an assistant that answers as the test says. */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const home = await mkdtemp(join(tmpdir(), 'lares-gateway-'))
  const house = { ...(await openRooms(home, options, options.port ?? 0)) }
  const stop = () => house.shut()
  const start = async () => {
    Object.assign(house, await openRooms(home, options, Number(new URL(house.url).port)))
  }
  return Object.assign(house, {
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

async function openRooms(home: string, options: HouseOptions, port: number) {
  const bus = openSqliteBus({ file: join(home, 'bus.db') })
  const conversations = openSqliteConversations(join(home, 'conversations.db'))
  const objects = openFolderObjects(join(home, 'objects'))
  await bus.ensureTopics(TOPICS.map(name => ({ name: `lares.${name}` })))
  const gateway = await buildGateway({
    bus,
    conversations,
    objects,
    events: openEventLog(bus, objects),
    config: {
      people: [{ person: 'alice', token: ALICE }],
      allowedOrigins: [ALLOWED],
      maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
      deliveries: options.deliveries ?? [],
      maxWaiting: { ...PLENTY, ...options.maxWaiting },
    },
    ownerToken: TOKEN,
    model: async () => 'echo/tiny',
    checks: { bus: bus.check, conversations: conversations.check },
    skills: async () => ['calculator'],
    log: noLog,
    ...options.parts,
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
  const subscription = await answerMessages(bus, conversations, options.responder ?? echo)
  return {
    gateway,
    url,
    bus,
    conversations,
    published: async () => (await bus.read('lares.message')).map(record => fromRecord(record) as Received),
    async shut() {
      await subscription.close()
      await shut()
    },
  }
}

/** Dialog's part: the rows of a turn in one step, then the reply on the bus. */
async function answerMessages(bus: Bus, conversations: Conversations, responder: Responder) {
  const log = openEventLog(bus, openFolderObjects(tmpdir()))
  const take = async (message: Received) => {
    let index = 0
    const emit = (draft: Draft) =>
      log.publish([causedEvent(draft, { function: 'dialog', cause: message, index: index++ })])
    await step(conversations, message, 'answering')
    await responder({
      message,
      emit,
      chunk: (offset, text) => emit({ type: 'lares.stream.extended', data: { step: 0, offset, text } }),
      async reply(text, status = 'completed') {
        await step(conversations, message, 'answered', { text, status })
        await emit({ type: 'lares.reply.completed', data: replyTo(message, text, status) })
      },
    })
  }
  return await bus.subscribe({
    group: 'responder',
    topics: ['lares.message'],
    onRecords(records) {
      for (const record of records) take(fromRecord(record) as Received).catch(ignoreClosed)
    },
  })
}

/** Work cut off by the end of the process comes again, as nothing here is committed. */
const ignoreClosed = (error: unknown) => {
  if (!(error instanceof LaresError) || error.code !== 'unavailable') throw error
}

const replyTo = ({ id, data }: Received, text: string, status: 'completed' | 'failed' | 'interrupted') => ({
  person: data.person,
  inReplyTo: id,
  answers: [id],
  question: data.text,
  text,
  status,
  usage: { inputTokens: 7, outputTokens: 11 },
  language: data.language,
})

async function step(
  conversations: Conversations,
  { id, subject, data, time }: Received,
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
    ...notesOf(data.attachments),
  }
  const answer = reply && {
    ...reply,
    id: derivedId(id, 'dialog', 99),
    role: 'assistant' as const,
    inReplyTo: id,
    createdAt: new Date().toISOString(),
  }
  await conversations.step({
    conversation: subject,
    person: data.person,
    eventId: `${id}/${status}`,
    apply: () => ({ state: {}, messages: answer ? [question, answer] : [question], outcome: null }),
  })
}
