import type { TranscriptEntry } from '../state.ts'

/** The most entries of the conversation that a prompt repeats. */
const MAX_ENTRIES = 12
const MAX_CHARACTERS = 4_000
/** Longer entries are cut, so that the last question and answer always fit. */
const MAX_ENTRY_CHARACTERS = MAX_CHARACTERS / 2

/**
 * The newest entries that fit. They begin with the person, since some models refuse a conversation that the assistant
 * begins.
 */
export function newestEntries(entries: TranscriptEntry[]): TranscriptEntry[] {
  const kept: TranscriptEntry[] = []
  let left = MAX_CHARACTERS
  for (const entry of entries.slice(-MAX_ENTRIES).reverse().map(truncateEntry)) {
    left -= entry.text.length
    if (left < 0) break
    kept.unshift(entry)
  }
  const first = kept.findIndex(({ role }) => role === 'user')
  return first < 0 ? [] : kept.slice(first)
}

const truncateEntry = (entry: TranscriptEntry): TranscriptEntry =>
  entry.text.length <= MAX_ENTRY_CHARACTERS
    ? entry
    : { ...entry, text: `${entry.text.slice(0, MAX_ENTRY_CHARACTERS - 1)}…` }
