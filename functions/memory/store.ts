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

/** Memories that have to do with a text, best first; of those about the same subject only the newest. */
export async function searchMemories(
  records: Records,
  person: string,
  text: string,
): Promise<StoredMemory[]> {
  const found = await findByWords(records, person, text)
  return newestPerSubject(found.filter(memory => shareContent(memory.text, text)))
}

export type ReplacedMemory = StoredMemory & { until: string }

/** Memories that have to do with a text and that newer ones of the same subject have replaced, each with when; the newest first. */
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
 * What was found by words and what was found by meaning, as one list: by the sum of their reciprocal ranks in both and in
 * the order of their age, so that of what fits about as well the newer comes first; of those about the same subject only
 * the newest.
 */
export function fuseRankings(...lists: StoredMemory[][]): StoredMemory[] {
  // Of one that is in both lists the first is taken, which has a score of its own.
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
