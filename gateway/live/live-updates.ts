import type { BusRecord } from '../../shared/bus/bus.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import {
  type Reply,
  skillRequestType,
  topicOf,
  type Usage,
} from '../../shared/contract/events/event-types.ts'
import { eventFromRecord } from '../../shared/contract/events/kafka-binding.ts'
import type { GatewayOptions } from '../options.ts'
import type { LiveEvent, LiveListener, Stage } from './live-event.ts'
import { createTurnCache } from './turn-cache.ts'

/**
 * Wakes the followers of a conversation. Updates may be lost, repeated or out of order: the store is the truth. A
 * listener must not block. It first gets the known state of the running turns, so that a client that connects late sees
 * the whole text.
 */
export type LiveUpdates = {
  listen(conversation: string, listener: LiveListener): () => void
  /** Reports a message that this gateway has accepted. */
  messageAccepted(conversation: string, message: string): void
  close(): Promise<void>
}

const PROGRESS_TOPICS = ['lares.stream', 'lares.reply', 'lares.intent', 'lares.context', 'lares.prompt']

export function openLiveUpdates(options: GatewayOptions, refreshIntervalMs = 3_000): LiveUpdates {
  const hub = createLiveHub()
  const tail = openProgressTail(options, refreshIntervalMs, records => {
    for (const record of records) broadcastRecord(options, hub, record)
  })
  return {
    listen: hub.listen,
    messageAccepted(conversation, message) {
      hub.broadcast(conversation, { kind: 'stage', message, stage: 'understanding' })
      hub.broadcast(conversation, { kind: 'changed' })
    },
    close: tail.close,
  }
}

type LiveHub = ReturnType<typeof createLiveHub>

function createLiveHub() {
  const listenersByConversation = new Map<string, Set<LiveListener>>()
  const turnCache = createTurnCache()
  return {
    listen(conversation: string, listener: LiveListener) {
      const conversationListeners = listenersByConversation.get(conversation) ?? new Set()
      listenersByConversation.set(conversation, conversationListeners.add(listener))
      for (const event of turnCache.snapshot(conversation)) listener(event)
      return () => {
        conversationListeners.delete(listener)
        if (
          conversationListeners.size === 0 &&
          listenersByConversation.get(conversation) === conversationListeners
        )
          listenersByConversation.delete(conversation)
      }
    },
    broadcast(conversation: string, event: LiveEvent) {
      if (event.kind !== 'changed' && !turnCache.record(conversation, event)) return
      for (const listener of listenersByConversation.get(conversation) ?? []) listener(event)
    },
  }
}

function broadcastRecord(options: GatewayOptions, hub: LiveHub, record: BusRecord): void {
  try {
    broadcastEvent(hub, eventFromRecord(record))
  } catch (error) {
    options.log.warn(
      { topic: record.topic, partition: record.partition, offset: record.offset, err: error },
      'a record that is no event of Lares was left out of the live view',
    )
  }
}

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 }

const STAGE_BY_EVENT_TYPE: Record<string, Stage> = {
  'lares.intent.recognised': 'remembering',
  'lares.context.recalled': 'thinking',
  'lares.prompt.composed': 'thinking',
}

function broadcastEvent(hub: LiveHub, event: LaresEvent): void {
  const { type, subject, correlationid: message } = event
  if (type === 'lares.stream.extended') {
    const { offset, text } = (event as LaresEvent<'lares.stream.extended'>).data
    hub.broadcast(subject, { kind: 'stream', message, offset, text })
    return
  }
  if (type === 'lares.reply.completed') {
    hub.broadcast(subject, {
      kind: 'reply',
      message,
      ...replyDetails(event as LaresEvent<'lares.reply.completed'>),
    })
  } else {
    const skill = /^lares\.skill\.(.+)\.requested$/.exec(type)?.[1]
    const stage = skill === undefined ? STAGE_BY_EVENT_TYPE[type] : 'using'
    if (stage) hub.broadcast(subject, { kind: 'stage', message, stage, ...(skill && { skill }) })
  }
  hub.broadcast(subject, { kind: 'changed' })
}

/**
 * The details of a reply. A reply that travels as a claim check has no data here: it answers its own turn, and its
 * usage is unknown.
 */
function replyDetails({
  data,
  correlationid,
}: Pick<LaresEvent<'lares.reply.completed'>, 'correlationid'> & { data?: Reply }) {
  if (!data) return { answers: [correlationid], inReplyTo: correlationid, usage: NO_USAGE }
  return { answers: data.answers, inReplyTo: data.inReplyTo, usage: data.usage }
}

/**
 * One tail of the progress topics. It reopens when skills are added or removed, and retries while the bus is
 * unreachable.
 */
function openProgressTail(
  options: GatewayOptions,
  refreshIntervalMs: number,
  onRecords: (records: BusRecord[]) => void,
) {
  const { bus, log } = options
  let current: { topics: string; close(): Promise<void> } | undefined
  const refresh = async () => {
    try {
      const topics = [
        ...PROGRESS_TOPICS,
        ...(await options.skillNames()).map(skill => topicOf(skillRequestType(skill))).sort(),
      ]
      if (topics.join() === current?.topics) return
      const opened = await bus.tail({
        topics,
        onRecords,
        onError: error => log.warn({ err: error }, 'the live view lost the bus and is trying again'),
      })
      const previous = current
      current = { topics: topics.join(), close: () => opened.close() }
      await previous?.close()
    } catch (error) {
      log.warn({ err: error }, 'the live view cannot read the bus yet')
    }
  }
  let running = refresh()
  const timer = setInterval(() => {
    running = running.then(refresh)
  }, refreshIntervalMs)
  return {
    async close() {
      clearInterval(timer)
      await running
      await current?.close()
    },
  }
}
