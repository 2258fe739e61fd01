/** Writers and readers of the log that are not functions of stack.yml. No manifest lists them, so they are here. */
export type ProcessAccess = {
  processName: string
  access: 'writes' | 'reads'
  type: string
  /** The file that writes or reads; the check fails when the file no longer names the type. */
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
