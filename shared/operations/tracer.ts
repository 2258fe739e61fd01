import { LaresError } from '../base/errors.ts'
import type { Bus, BusRecord } from '../bus/bus.ts'
import { partitionOf } from '../bus/partition.ts'
import { functionGroup } from '../contract/consumer-groups.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import { resolveDataRef } from '../contract/events/event-log.ts'
import { eventFromRecord } from '../contract/events/kafka-binding.ts'
import type { DeployedFunction, FunctionSource } from '../contract/stack.ts'
import { requiredTopics } from '../contract/topics.ts'
import type { Objects } from '../objects/objects.ts'
import type { Conversation, History, HistoryMessage } from '../store/store.ts'
import type { InFlightRecord } from './in-flight.ts'
import type { DeadLetters } from './operations.ts'
import type { LoggedRecord } from './trace-model.ts'
import { toTracedMessage, turnsOf } from './trace-turns.ts'
import type { TracedTurn, TraceRequest, Tracer } from './trace-types.ts'

/** A group that never commits: it only serves to find where topics end. */
const TRACE_GROUP = 'lares.trace'
const PAGE_SIZE = 1_000
/** The maximum difference between the clocks of the history's writer and of the log. */
const CLOCK_SKEW_MS = 60_000
/**
 * The data of these events shows how a turn ends, so the tracer fetches it from the object store after a claim check.
 */
const TYPES_WITH_DATA = new Set(['lares.deadletter.recorded', 'lares.reply.completed'])

export type TraceDependencies = {
  bus: Bus
  objects: Objects
  history: History
  deadLetters: Pick<DeadLetters, 'list'>
  source: FunctionSource
  /** The connector's knowledge of attempts; undefined if no connector can be asked: then the log alone decides. */
  inFlight(conversation: string): Promise<InFlightRecord[] | undefined>
}

/**
 * Reads a conversation's part of the log: one partition of each topic, from the first requested turn on. For turns that
 * the log no longer has, it reads the history.
 */
export function openTracer(dependencies: TraceDependencies): Tracer {
  return async request => {
    const target = await findTarget(dependencies, request)
    const deployed = await dependencies.source()
    const [records, inFlight, committed, deadLetters] = await Promise.all([
      readLog(dependencies, target, deployed),
      dependencies.inFlight(target.conversation),
      readCommittedOffsets(dependencies.bus, deployed, target.conversation),
      dependencies.deadLetters.list(),
    ])
    if (!target.known && records.length === 0) throw unknownIdError(request.id)
    const turns = turnsOf({ ...target, records, deployed, inFlight: inFlight ?? [], committed, deadLetters })
    const chosen = target.turn === undefined ? turns : turns.filter(({ id }) => id === target.turn)
    return {
      conversation: target.conversation,
      ...(target.known && { person: target.known.person }),
      turns: await Promise.all(
        chosen.slice(-request.turns).map(turn => withMessage(turn, dependencies.history)),
      ),
      hasEarlier: target.hasEarlier || chosen.length > request.turns,
      knowsTries: inFlight !== undefined,
    }
  }
}

/**
 * A message older than the rows that were read is looked up by itself. This happens when many messages were answered
 * late.
 */
async function withMessage(turn: TracedTurn, history: History): Promise<TracedTurn> {
  if (turn.message) return turn
  const row = await history.message(turn.id)
  return row ? { ...turn, message: toTracedMessage(row) } : turn
}

const unknownIdError = (id: string) =>
  new LaresError('not_found', `neither the history nor the log knows a conversation or message "${id}"`)

type TraceTarget = {
  conversation: string
  known: Conversation | undefined
  /** Limits the trace to this turn. */
  turn?: string
  /** People's messages of the requested turns. */
  rows: HistoryMessage[]
  sinceMs: number
  hasEarlier: boolean
}

async function findTarget({ history }: TraceDependencies, { id, turns }: TraceRequest): Promise<TraceTarget> {
  const message = await history.message(id)
  if (message) {
    const known = await history.conversation(message.conversation)
    // A reply belongs to the turn of the message that it answers. A reply that answers no message is shown with the
    // events after it.
    const question = message.inReplyTo === null ? message : await history.message(message.inReplyTo)
    const turnMessage = question ?? message
    return {
      conversation: message.conversation,
      known,
      ...(turnMessage.role === 'user' && { turn: turnMessage.id }),
      rows: turnMessage.role === 'user' ? [turnMessage] : [],
      sinceMs: Date.parse(turnMessage.createdAt) - CLOCK_SKEW_MS,
      hasEarlier: false,
    }
  }
  const known = await history.conversation(id)
  // Twice as many rows, because a turn mostly has a message and a reply.
  const page = known ? await history.list(id, { limit: 2 * turns }) : []
  const rows = page.filter(({ role }) => role === 'user').slice(-turns)
  const hasEarlier = page.length === 2 * turns
  const since = hasEarlier ? rows[0]?.createdAt : known?.createdAt
  return {
    conversation: id,
    known,
    rows,
    sinceMs: since === undefined ? 0 : Date.parse(since) - CLOCK_SKEW_MS,
    hasEarlier,
  }
}

/** The conversation's partition of a topic, and where that partition ends now. */
type PartitionRange = { topic: string; partition: number; end: number }

async function readLog(
  dependencies: TraceDependencies,
  target: TraceTarget,
  deployed: DeployedFunction[],
): Promise<LoggedRecord[]> {
  const topics = requiredTopics(deployed, []).map(({ name }) => name)
  const ranges = await partitionRangesOf(dependencies.bus, TRACE_GROUP, topics, target.conversation)
  const found = await Promise.all(
    ranges.map(async range => {
      const own: LoggedRecord[] = []
      for await (const record of readRange(dependencies.bus, range, target))
        own.push(await toLoggedRecord(dependencies.objects, record))
      return own
    }),
  )
  return found.flat()
}

/** All topics have the same number of partitions, so the greatest number seen gives it. */
async function partitionRangesOf(bus: Bus, group: string, topics: string[], conversation: string) {
  const all = await bus.lag(group, topics)
  const partitions = 1 + Math.max(0, ...all.map(({ partition }) => partition))
  const own = partitionOf(conversation, partitions)
  return all.filter(({ partition }) => partition === own)
}

async function* readRange(
  bus: Bus,
  { topic, partition, end }: PartitionRange,
  { conversation, sinceMs }: TraceTarget,
): AsyncGenerator<BusRecord> {
  let from: { timeMs: number } | { offset: number } = { timeMs: sinceMs }
  for (;;) {
    const page = await bus.read(topic, { partition, from, limit: PAGE_SIZE })
    for (const record of page) if (record.key === conversation) yield record
    const next = (page.at(-1)?.offset ?? end) + 1
    if (next >= end) return
    from = { offset: next }
  }
}

/** By function and topic: the offset that is committed in the conversation's partition. */
async function readCommittedOffsets(bus: Bus, deployed: DeployedFunction[], conversation: string) {
  const committed = new Map<string, number>()
  for (const { name, topics } of deployed)
    for (const { topic, committed: at } of await partitionRangesOf(
      bus,
      functionGroup(name),
      topics,
      conversation,
    ))
      if (at !== null) committed.set(`${name}/${topic}`, at)
  return committed
}

/** A record that is not an event appears without a type: an operator may look for it. */
async function toLoggedRecord(objects: Objects, record: BusRecord): Promise<LoggedRecord> {
  const { value, ...position } = record
  const metadata = { record: { ...position, bytes: value.length } }
  try {
    const event = eventFromRecord(record)
    const isClaimCheck = event.data === undefined
    const resolved =
      isClaimCheck && TYPES_WITH_DATA.has(event.type) ? await tryResolveDataRef(event, objects) : event
    return {
      ...metadata,
      isClaimCheck,
      event: TYPES_WITH_DATA.has(event.type) ? resolved : withoutData(event),
    }
  } catch (error) {
    if (!(error instanceof LaresError)) throw error
    return { ...metadata, isClaimCheck: false }
  }
}

/** There may be thousands of events, so their data is dropped at once. */
function withoutData({ data: _, ...event }: LaresEvent): LaresEvent {
  return event as LaresEvent
}

/** Stored data may have been deleted; the rest of the trace is still useful. */
const tryResolveDataRef = (event: LaresEvent, objects: Objects): Promise<LaresEvent> =>
  resolveDataRef(event, objects).catch(() => event)
