import { LaresError } from '../base/errors.ts'
import type { Bus, BusRecord } from '../bus/bus.ts'
import { partitionOf } from '../bus/partition.ts'
import { functionGroup } from '../contract/consumer-groups.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import { claim } from '../contract/events/event-log.ts'
import { fromRecord } from '../contract/events/kafka-binding.ts'
import type { DeployedFunction, FunctionSource } from '../contract/stack.ts'
import { topicsToMake } from '../contract/topics.ts'
import type { Objects } from '../objects/objects.ts'
import type { Conversation, History, HistoryMessage } from '../store/store.ts'
import type { PlacedStanding } from './in-flight.ts'
import type { DeadLetters } from './operations.ts'
import { type Logged, messageOf, turnsOf } from './trace-turns.ts'
import type { TracedTurn, TraceRequest, Tracer } from './trace-types.ts'

/** A group that never commits: it only asks where topics end. */
const READER = 'lares.trace'
const PAGE = 1_000
/** The clocks of whoever writes the history and whoever stamps records may differ by this. */
const SKEW_MS = 60_000
/** Their data tells how the journey ends, so it is fetched when it travelled as a claim check. */
const TELLING = new Set(['lares.deadletter.recorded', 'lares.reply.completed'])

export type TraceParts = {
  bus: Bus
  objects: Objects
  history: History
  dead: Pick<DeadLetters, 'list'>
  source: FunctionSource
  /** What the connector knows of tries; undefined when it cannot be asked, and then only the log tells. */
  standings(conversation: string): Promise<PlacedStanding[] | undefined>
}

/**
 * Reads a conversation's part of the log: one partition of each topic, from the first turn asked for on. What the log
 * has forgotten already is told from the history.
 */
export function openTracer(parts: TraceParts): Tracer {
  return async request => {
    const asked = await find(parts, request)
    const deployed = await parts.source()
    const [logged, standings, committed, dead] = await Promise.all([
      readLog(parts, asked, deployed),
      parts.standings(asked.conversation),
      readCommitted(parts.bus, deployed, asked.conversation),
      parts.dead.list(),
    ])
    if (!asked.known && logged.length === 0) throw unknown(request.id)
    const turns = turnsOf({ ...asked, logged, deployed, standings: standings ?? [], committed, dead })
    const chosen = asked.turn === undefined ? turns : turns.filter(({ id }) => id === asked.turn)
    return {
      conversation: asked.conversation,
      ...(asked.known && { person: asked.known.person }),
      turns: await Promise.all(chosen.slice(-request.turns).map(turn => withMessage(turn, parts.history))),
      hasEarlier: asked.hasEarlier || chosen.length > request.turns,
      knowsTries: standings !== undefined,
    }
  }
}

/** A message that lies before the rows read, as when many were answered late, is looked up by itself. */
async function withMessage(turn: TracedTurn, history: History): Promise<TracedTurn> {
  if (turn.message) return turn
  const row = await history.message(turn.id)
  return row ? { ...turn, message: messageOf(row) } : turn
}

const unknown = (id: string) =>
  new LaresError('not_found', `neither the history nor the log knows a conversation or message "${id}"`)

type Asked = {
  conversation: string
  known: Conversation | undefined
  /** Only this one. */
  turn?: string
  /** People's messages of the turns asked for. */
  rows: HistoryMessage[]
  sinceMs: number
  hasEarlier: boolean
}

async function find({ history }: TraceParts, { id, turns }: TraceRequest): Promise<Asked> {
  const message = await history.message(id)
  if (message) {
    const known = await history.conversation(message.conversation)
    // A reply belongs to the turn of the message that it answers; one that answers none is shown with what came after it.
    const asked = message.inReplyTo === null ? message : await history.message(message.inReplyTo)
    const from = asked ?? message
    return {
      conversation: message.conversation,
      known,
      ...(from.role === 'user' && { turn: from.id }),
      rows: from.role === 'user' ? [from] : [],
      sinceMs: Date.parse(from.createdAt) - SKEW_MS,
      hasEarlier: false,
    }
  }
  const known = await history.conversation(id)
  // Twice as many rows: a message and its reply, mostly.
  const page = known ? await history.list(id, { limit: 2 * turns }) : []
  const rows = page.filter(({ role }) => role === 'user').slice(-turns)
  const hasEarlier = page.length === 2 * turns
  const since = hasEarlier ? rows[0]?.createdAt : known?.createdAt
  return {
    conversation: id,
    known,
    rows,
    sinceMs: since === undefined ? 0 : Date.parse(since) - SKEW_MS,
    hasEarlier,
  }
}

/** Where the conversation's part of a topic is, and where it ends now. */
type Stretch = { topic: string; partition: number; end: number }

async function readLog(parts: TraceParts, asked: Asked, deployed: DeployedFunction[]): Promise<Logged[]> {
  const topics = topicsToMake(deployed, []).map(({ name }) => name)
  const stretches = await stretchesOf(parts.bus, READER, topics, asked.conversation)
  const found = await Promise.all(
    stretches.map(async stretch => {
      const own: Logged[] = []
      for await (const record of recordsOf(parts.bus, stretch, asked))
        own.push(await loggedOf(parts.objects, record))
      return own
    }),
  )
  return found.flat()
}

/** All topics have the same number of partitions, so the greatest number seen tells it. */
async function stretchesOf(bus: Bus, group: string, topics: string[], conversation: string) {
  const all = await bus.lag(group, topics)
  const partitions = 1 + Math.max(0, ...all.map(({ partition }) => partition))
  const own = partitionOf(conversation, partitions)
  return all.filter(({ partition }) => partition === own)
}

async function* recordsOf(
  bus: Bus,
  { topic, partition, end }: Stretch,
  { conversation, sinceMs }: Asked,
): AsyncGenerator<BusRecord> {
  let from: { timeMs: number } | { offset: number } = { timeMs: sinceMs }
  for (;;) {
    const page = await bus.read(topic, { partition, from, limit: PAGE })
    for (const record of page) if (record.key === conversation) yield record
    const next = (page.at(-1)?.offset ?? end) + 1
    if (next >= end) return
    from = { offset: next }
  }
}

/** By function and topic, the position that is committed in the conversation's partition. */
async function readCommitted(bus: Bus, deployed: DeployedFunction[], conversation: string) {
  const committed = new Map<string, number>()
  for (const { name, topics } of deployed)
    for (const { topic, committed: at } of await stretchesOf(bus, functionGroup(name), topics, conversation))
      if (at !== null) committed.set(`${name}/${topic}`, at)
  return committed
}

/** A record that is no event is told as one of no type: it may be what somebody looks for. */
async function loggedOf(objects: Objects, record: BusRecord): Promise<Logged> {
  const { value, ...place } = record
  const logged = { record: { ...place, bytes: value.length } }
  try {
    const event = fromRecord(record)
    const isClaimCheck = event.data === undefined
    const whole = isClaimCheck && TELLING.has(event.type) ? await fetched(event, objects) : event
    return { ...logged, isClaimCheck, event: TELLING.has(event.type) ? whole : without(event) }
  } catch (error) {
    if (!(error instanceof LaresError)) throw error
    return { ...logged, isClaimCheck: false }
  }
}

/** Thousands of events may come: their data is let go at once. */
function without({ data: _, ...event }: LaresEvent): LaresEvent {
  return event as LaresEvent
}

/** What was stored may be gone, and the rest of the journey is still worth seeing. */
const fetched = (event: LaresEvent, objects: Objects): Promise<LaresEvent> =>
  claim(event, objects).catch(() => event)
