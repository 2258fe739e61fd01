import type { LaresEvent } from '../contract/events/event.ts'
import type { PlacedStanding } from './in-flight.ts'
import { type Entry, type Index, iso, type Journey } from './trace-turns.ts'
import type { TracedReader } from './trace-types.ts'

/** What each function that reads the event's topic has done with it. */
export function readersOf(entry: Entry, index: Index, journey: Journey): TracedReader[] {
  const { topic } = entry.copies[0]!.record
  return journey.deployed
    .filter(({ topics }) => topics.includes(topic))
    .map(({ name }) => ({ function: name, ...stateOf(name, entry, index, journey) }))
}

type State = Omit<TracedReader, 'function'>

/**
 * What the connector knows of a try comes first. What is emitted shows that the work is done, since it is published when
 * it is (but for the pieces of a stream); so does a committed position behind the event's last record.
 */
function stateOf(name: string, entry: Entry, index: Index, journey: Journey): State {
  const { topic, offset, timestampMs } = entry.copies.at(-1)!.record
  const standing = standingOf(name, entry, journey.standings)
  if (standing) return underWay(standing, timestampMs)
  if (effectsOf(entry, index).some(({ event }) => isResult(event, name))) return { state: 'done' }
  const letter = letterOf(name, entry, index)
  if (letter && letter.data.offset >= offset) return buried(letter, journey)
  if ((journey.committed.get(`${name}/${topic}`) ?? -1) > offset) return { state: 'done' }
  return { state: 'waiting', since: iso(timestampMs) }
}

const standingOf = (name: string, { copies }: Entry, standings: PlacedStanding[]) =>
  standings.find(
    standing =>
      standing.function === name &&
      copies.some(
        ({ record }) =>
          record.topic === standing.topic &&
          record.partition === standing.partition &&
          record.offset === standing.offset,
      ),
  )

function underWay(standing: PlacedStanding, appendedMs: number): State {
  const { try: count, runningSinceMs, nextTryAtMs, error } = standing
  return {
    state: runningSinceMs === undefined ? 'waiting' : 'running',
    since: iso(runningSinceMs ?? appendedMs),
    ...(count !== undefined && { try: count }),
    ...(runningSinceMs === undefined && nextTryAtMs !== undefined && { nextTryAt: iso(nextTryAtMs) }),
    ...(error && { error }),
  }
}

const isResult = (event: LaresEvent | undefined, name: string): boolean =>
  event?.source === `/lares/functions/${name}` && event.type !== 'lares.stream.extended'

/** A record that is no event has no id that its dead letter could name as the cause. */
const effectsOf = ({ id, event }: Entry, { causedBy }: Index): Entry[] => causedBy.get(event ? id : '') ?? []

type Letter = LaresEvent<'lares.deadletter.recorded'>

const asLetter = ({ event }: Entry): Letter[] =>
  event?.type === 'lares.deadletter.recorded' && event.data !== undefined ? [event as Letter] : []

/** The last one: an event that was put back may have failed again. */
function letterOf(name: string, entry: Entry, index: Index): Letter | undefined {
  const isOf = ({ data }: Letter) =>
    data.function === name &&
    entry.copies.some(
      ({ record: { topic, partition, offset } }) =>
        topic === data.topic && partition === data.partition && offset === data.offset,
    )
  return effectsOf(entry, index).flatMap(asLetter).findLast(isOf)
}

function buried({ id, data }: Letter, { dead }: Journey): State {
  const retriedAt = dead.find(letter => letter.id === id)?.retriedAt
  return {
    state: 'dead',
    try: data.tries,
    error: data.error,
    deadLetter: { id, ...(retriedAt !== undefined && { retriedAt }) },
  }
}
