import { isOver, type Row } from '../gateway-client.ts'
import type { Place } from './injection-report.ts'

type Room = {
  /** In the order they were sent. */
  acknowledged: Place[]
  sentAtMs: Map<string, number>
  /** When the end of each message's turn was seen. */
  endedAtMs: Map<string, number>
  /** Messages not acknowledged yet, and those acknowledged without an answer. */
  offered: number
  open: number
}

export type Counts = { sent: number; acknowledged: number; answered: number }

/** Keeps count of the messages that are on their way, and tells which conversations are worth watching. */
export type Tracker = {
  counts: Counts
  offered(conversation: string): void
  acknowledged(place: Place, sentAtMs: number): void
  refused(conversation: string): void
  row(conversation: string, row: Row): void
  /** The conversations with their acknowledged messages. */
  rooms(): Map<string, Place[]>
  /** From sending to reply, in milliseconds, of all that were answered. */
  latencies(): number[]
}

type Watching = { watch(conversation: string): void; unwatch(conversation: string): void }

export function openTracker(watching: Watching, onChange: () => void): Tracker {
  const rooms = new Map<string, Room>()
  const counts: Counts = { sent: 0, acknowledged: 0, answered: 0 }
  const roomOf = (conversation: string): Room => {
    const known = rooms.get(conversation)
    if (known) return known
    const room: Room = { acknowledged: [], sentAtMs: new Map(), endedAtMs: new Map(), offered: 0, open: 0 }
    rooms.set(conversation, room)
    return room
  }
  const settle = (conversation: string, room: Room) => {
    if (room.open > 0) watching.watch(conversation)
    else if (room.offered === 0) watching.unwatch(conversation)
    onChange()
  }
  const enter = (room: Room, place: Place, sentAtMs: number) => {
    room.acknowledged.push(place)
    room.sentAtMs.set(place.id, sentAtMs)
    counts.acknowledged++
    if (room.endedAtMs.has(place.id)) counts.answered++
    else room.open++
  }
  return {
    counts,
    offered(conversation) {
      roomOf(conversation).offered++
      counts.sent++
    },
    acknowledged(place, sentAtMs) {
      const room = roomOf(place.conversation)
      room.offered--
      // Under a key that was used before it is the same message.
      if (!room.sentAtMs.has(place.id)) enter(room, place, sentAtMs)
      settle(place.conversation, room)
    },
    refused(conversation) {
      const room = roomOf(conversation)
      room.offered--
      settle(conversation, room)
    },
    row(conversation, row) {
      const room = roomOf(conversation)
      const id = endedTurn(row)
      if (id === undefined || room.endedAtMs.has(id)) return
      room.endedAtMs.set(id, performance.now())
      if (!room.sentAtMs.has(id)) return
      room.open--
      counts.answered++
      settle(conversation, room)
    },
    rooms: () => new Map([...rooms].map(([conversation, { acknowledged }]) => [conversation, acknowledged])),
    latencies: () => [...rooms.values()].flatMap(latenciesOf),
  }
}

/** The message whose turn this row shows to be over: by its reply, or by its own status when it was merged. */
function endedTurn({ id, role, inReplyTo, status }: Row): string | undefined {
  if (role === 'assistant') return inReplyTo ?? undefined
  return isOver(status) ? id : undefined
}

const latenciesOf = ({ sentAtMs, endedAtMs }: Room): number[] =>
  [...sentAtMs].flatMap(([id, at]) => {
    const endedAt = endedAtMs.get(id)
    return endedAt === undefined ? [] : [endedAt - at]
  })
