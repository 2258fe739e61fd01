import { hash32 } from '../chance.ts'

/**
 * The durable states that a run went through: everything on the log, the committed offsets and the content of the
 * store, without times. A state is identified by a hash of 53 bits, which is updated as its parts change.
 */
export type VisitedStates = {
  /** A part of the state is now this. */
  setPart(part: string, value: string): void
  states: Set<number>
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

export function openVisitedStates(): VisitedStates {
  const parts = new Map<string, { high: number; low: number }>()
  const states = new Set<number>()
  let high = 0
  let low = 0
  return {
    states,
    setPart(part, value) {
      const text = `${part}=${value.replace(TIME, 'T')}`
      const next = { high: hash32(1, text) & 0x1fffff, low: hash32(2, text) }
      const before = parts.get(part) ?? { high: 0, low: 0 }
      parts.set(part, next)
      // A sum does not depend on the order of its parts.
      high = (high - before.high + next.high) & 0x1fffff
      low = (low - before.low + next.low) >>> 0
      states.add(high * 2 ** 32 + low)
    },
  }
}
