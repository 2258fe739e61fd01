/** What writes and reads the log without being a function of stack.yml: no manifest tells it, so it is told here. */
export type ProcessAccess = {
  processName: string
  access: 'writes' | 'reads'
  type: string
  /** Where it does; the check fails when the file does not name the type any more. */
  file: string
}

export const processAccesses: ProcessAccess[] = [
  {
    processName: 'gateway',
    access: 'writes',
    type: 'lares.message.received',
    file: 'gateway/ingress/intake.ts',
  },
  {
    processName: 'gateway',
    access: 'reads',
    type: 'lares.stream.extended',
    file: 'gateway/live/live-updates.ts',
  },
  {
    processName: 'gateway',
    access: 'reads',
    type: 'lares.reply.completed',
    file: 'gateway/live/live-updates.ts',
  },
  { processName: 'timers', access: 'writes', type: 'lares.timer.fired', file: 'infra/timers/timers.ts' },
  {
    processName: 'connector',
    access: 'writes',
    type: 'lares.deadletter.recorded',
    file: 'infra/connector/consumer/dead-letter.ts',
  },
]
