import type { BusRecord } from '../../shared/bus/bus.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import { type Reply, skillType, topicOf, type Usage } from '../../shared/contract/events/event-types.ts'
import { fromRecord } from '../../shared/contract/events/kafka-binding.ts'
import type { Parts } from '../context.ts'
import { openTurns } from './turn-cache.ts'

export type Stage = 'understanding' | 'remembering' | 'thinking' | 'writing' | 'using'

/** What happens in a conversation right now; `message` is the one being answered. */
export type LiveEvent =
  | { kind: 'stage'; message: string; stage: Stage; skill?: string }
  | { kind: 'stream'; message: string; offset: number; text: string }
  /** The turn ended. The text is in the history: the row whose `inReplyTo` this is. */
  | ({ kind: 'reply'; message: string } & Pick<Reply, 'answers' | 'inReplyTo' | 'usage'>)
  /** The history has changed: read what is new there. */
  | { kind: 'changed' }

export type Listener = (event: LiveEvent) => void

/**
 * What wakes those who watch a conversation. It may miss, repeat and disorder: the store is the truth. A listener
 * must not block; it first gets what is known of the turns under way, so that one who comes late sees the whole text.
 */
export type Live = {
  listen(conversation: string, listener: Listener): () => void
  /** A message was taken in here. */
  accepted(conversation: string, message: string): void
  close(): Promise<void>
}

const TOPICS = ['lares.stream', 'lares.reply', 'lares.intent', 'lares.context', 'lares.prompt']

export function openLive(parts: Parts, recheckMs = 3_000): Live {
  const hub = openHub()
  const tail = openTail(parts, recheckMs, records => {
    for (const record of records) receive(parts, hub, record)
  })
  return {
    listen: hub.listen,
    accepted(conversation, message) {
      hub.tell(conversation, { kind: 'stage', message, stage: 'understanding' })
      hub.tell(conversation, { kind: 'changed' })
    },
    close: tail.close,
  }
}

type Hub = ReturnType<typeof openHub>

function openHub() {
  const rooms = new Map<string, Set<Listener>>()
  const turns = openTurns()
  return {
    listen(conversation: string, listener: Listener) {
      const room = rooms.get(conversation) ?? new Set()
      rooms.set(conversation, room.add(listener))
      for (const event of turns.underWay(conversation)) listener(event)
      return () => {
        room.delete(listener)
        if (room.size === 0 && rooms.get(conversation) === room) rooms.delete(conversation)
      }
    },
    tell(conversation: string, event: LiveEvent) {
      if (event.kind !== 'changed' && !turns.note(conversation, event)) return
      for (const listener of rooms.get(conversation) ?? []) listener(event)
    },
  }
}

function receive(parts: Parts, hub: Hub, record: BusRecord): void {
  try {
    tellOf(hub, fromRecord(record))
  } catch (error) {
    parts.log.warn(
      { topic: record.topic, partition: record.partition, offset: record.offset, err: error },
      'a record that is no event of Lares was left out of the live view',
    )
  }
}

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 }

const STAGES: Record<string, Stage> = {
  'lares.intent.recognised': 'remembering',
  'lares.context.recalled': 'thinking',
  'lares.prompt.composed': 'thinking',
}

function tellOf(hub: Hub, event: LaresEvent): void {
  const { type, subject, correlationid: message } = event
  if (type === 'lares.stream.extended') {
    const { offset, text } = (event as LaresEvent<'lares.stream.extended'>).data
    hub.tell(subject, { kind: 'stream', message, offset, text })
    return
  }
  if (type === 'lares.reply.completed') {
    hub.tell(subject, { kind: 'reply', message, ...endOf(event as LaresEvent<'lares.reply.completed'>) })
  } else {
    const skill = /^lares\.skill\.(.+)\.requested$/.exec(type)?.[1]
    const stage = skill === undefined ? STAGES[type] : 'using'
    if (stage) hub.tell(subject, { kind: 'stage', message, stage, ...(skill && { skill }) })
  }
  hub.tell(subject, { kind: 'changed' })
}

/** A reply too large to travel comes without data: it answers its own turn, and its usage is not known. */
function endOf({
  data,
  correlationid,
}: Pick<LaresEvent<'lares.reply.completed'>, 'correlationid'> & { data?: Reply }) {
  if (!data) return { answers: [correlationid], inReplyTo: correlationid, usage: NO_USAGE }
  return { answers: data.answers, inReplyTo: data.inReplyTo, usage: data.usage }
}

/** One tail of the topics that show progress, opened anew when skills come or go; a bus that is away is asked again. */
function openTail(parts: Parts, recheckMs: number, onRecords: (records: BusRecord[]) => void) {
  const { bus, log } = parts
  let current: { topics: string; close(): Promise<void> } | undefined
  const refresh = async () => {
    try {
      const topics = [...TOPICS, ...(await parts.skills()).map(skill => topicOf(skillType(skill))).sort()]
      if (topics.join() === current?.topics) return
      const opened = await bus.tail({
        topics,
        onRecords,
        onError: error => log.warn({ err: error }, 'the live view lost the bus and is trying again'),
      })
      const before = current
      current = { topics: topics.join(), close: () => opened.close() }
      await before?.close()
    } catch (error) {
      log.warn({ err: error }, 'the live view cannot read the bus yet')
    }
  }
  let running = refresh()
  const timer = setInterval(() => {
    running = running.then(refresh)
  }, recheckMs)
  return {
    async close() {
      clearInterval(timer)
      await running
      await current?.close()
    },
  }
}
