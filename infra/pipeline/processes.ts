/** What writes and reads the log without being a function of stack.yml: no manifest tells it, so it is told here. */
export type RoomFact = {
  room: string
  does: 'writes' | 'reads'
  type: string
  /** Where it does; the check fails when the file does not name the type any more. */
  file: string
}

export const rooms: RoomFact[] = [
  { room: 'gateway', does: 'writes', type: 'lares.message.received', file: 'gateway/ingress/intake.ts' },
  { room: 'gateway', does: 'reads', type: 'lares.stream.extended', file: 'gateway/live/live-updates.ts' },
  { room: 'gateway', does: 'reads', type: 'lares.reply.completed', file: 'gateway/live/live-updates.ts' },
  { room: 'timers', does: 'writes', type: 'lares.timer.fired', file: 'infra/timers/timers.ts' },
  {
    room: 'connector',
    does: 'writes',
    type: 'lares.deadletter.recorded',
    file: 'infra/connector/consumer/dead-letter.ts',
  },
]
