import type { Clock } from './clock.ts'

/** Records what happens; it formats the words only when they are read. */
export type WriteTrace = (words: () => string) => void

export function openTraceWriter(clock: Clock, lines: string[] | undefined): WriteTrace {
  if (!lines) return () => undefined
  return words => void lines.push(`${(clock.nowMs() / 1_000).toFixed(3).padStart(8)} ${words()}`)
}

/** Ids as people read them. */
export type Names = {
  /** Names a message's id. */
  add(id: string, name: string): void
  /** The name of a message, or the beginning of any other id. */
  nameOf(id: string | undefined): string
}

export function openNames(): Names {
  const names = new Map<string, string>()
  return {
    add: (id, name) => void names.set(id, name),
    nameOf: (id = '?') => names.get(id) ?? id.slice(0, 8),
  }
}
