import type { Memory } from '#shared/contract/events/event-types.ts'
import {
  MEMORIES_COLLECTION,
  newestPerSubject,
  type StoredMemory,
  toStoredMemory,
} from '#shared/knowledge/memories.ts'
import { shareContent, toSearchQuery } from '#shared/knowledge/tokens.ts'
import type { Records } from '#shared/store/store.ts'

const MAX_FOUND = 30

/** Memories related to a text, best first. Of those about the same subject it returns only the newest. */
export async function searchMemories(
  records: Records,
  person: string,
  text: string,
): Promise<StoredMemory[]> {
  const found = await findByWords(records, person, text)
  return newestPerSubject(found.filter(memory => shareContent(memory.text, text)))
}

export type ReplacedMemory = StoredMemory & { until: string }

/**
 * Memories related to a text that newer ones of the same subject have replaced, each with the time of its replacement;
 * the newest first.
 */
export async function searchReplacedMemories(
  records: Records,
  person: string,
  text: string,
): Promise<ReplacedMemory[]> {
  const found = (await findByWords(records, person, text)).filter(memory => shareContent(memory.text, text))
  const bySubject = Map.groupBy(found, ({ subject }) => subject)
  return [...bySubject.values()].flatMap(memories => {
    const sorted = memories.sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1))
    return sorted.slice(1).map((memory, index) => ({ ...memory, until: sorted[index]!.saidAt }))
  })
}

const findByWords = async (records: Records, person: string, text: string) =>
  (
    await records.search({
      collection: MEMORIES_COLLECTION,
      person,
      query: toSearchQuery(text),
      limit: MAX_FOUND,
    })
  ).map(toStoredMemory)

/** Softens the difference between ranks (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", 2009). */
const RANK_CONSTANT = 60

/**
 * Merges rankings by words and by meaning by the sum of their reciprocal ranks. The order of age is a further ranking,
 * so that of similarly good memories the newer comes first. Of those about the same subject it returns only the newest.
 */
export function fuseRankings(...lists: StoredMemory[][]): StoredMemory[] {
  // For a memory in both lists it takes the entry of the first list, which has a score of its own.
  const memories = new Map(
    lists
      .flat()
      .toReversed()
      .map(memory => [memory.id, memory]),
  )
  const byAge = [...memories.values()].sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1))
  const scores = new Map<string, number>()
  for (const list of [...lists, byAge])
    for (const [rank, { id }] of list.entries())
      scores.set(id, (scores.get(id) ?? 0) + 1 / (RANK_CONSTANT + rank + 1))
  // The sort keeps the order of age where scores are equal.
  const sorted = byAge.toSorted((a, b) => scores.get(b.id)! - scores.get(a.id)!)
  return newestPerSubject(
    sorted.map(memory => ({ ...memory, score: memory.score || scores.get(memory.id)! })),
  )
}

export const toMemory = ({ id, text, score, saidAt }: StoredMemory): Memory => ({
  id,
  text,
  score,
  createdAt: saidAt,
})
