import * as z from 'zod'
import { keyedId } from '../contract/events/ids.ts'
import { parseRecordBody } from '../store/record-body.ts'
import type { JsonRecord, Records } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'

/** The collection of documents that memories are, a person's each. */
export const MEMORIES_COLLECTION = 'memories'
/** Under a memory's id, when it was last forgotten: a late repetition of the event that made it must not bring it back. */
const TOMBSTONES_COLLECTION = 'forgotten'
const MAX_MEMORIES = 1_000

/** Something a person said about themself. Of facts about the same subject the newest holds. */
export type Fact = { text: string; subject: string }

/** How many times of saying it a memory keeps. */
const MAX_SOURCES = 5

/** The message in which something was said. */
const memorySourceSchema = z.object({ message: z.string(), conversation: z.string(), saidAt: z.string() })
export type MemorySource = z.infer<typeof memorySourceSchema>
export type StoredMemory = Fact & { id: string; saidAt: string; score: number; sources: MemorySource[] }

/** What was kept before there were sources has none. */
const memoryBodySchema = z.object({
  subject: z.string(),
  saidAt: z.string(),
  sources: z.array(memorySourceSchema).default([]),
})
const tombstoneSchema = z.object({ at: z.string() })

export const toStoredMemory = (document: JsonRecord & { score?: number }): StoredMemory => {
  const { subject, saidAt, sources } = parseRecordBody(memoryBodySchema, MEMORIES_COLLECTION, document)
  return { id: document.id, text: document.text, subject, saidAt, sources, score: document.score ?? 0 }
}

/**
 * Kept once however often it is said; saying it again makes it the newest. What it replaces is kept too, as older. Gives
 * back its id; undefined when it was forgotten since.
 */
export async function saveMemory(
  records: Records,
  person: string,
  fact: Fact,
  source: MemorySource,
): Promise<string | undefined> {
  const { saidAt } = source
  const id = keyedId(person, MEMORIES_COLLECTION, fact.text.toLowerCase().replace(/\s+/g, ' '))
  const tombstone = await records.get({ collection: TOMBSTONES_COLLECTION, person, id })
  if (tombstone && parseRecordBody(tombstoneSchema, TOMBSTONES_COLLECTION, tombstone).at >= saidAt)
    return undefined
  const known = await records.get({ collection: MEMORIES_COLLECTION, person, id })
  const before = known && toStoredMemory(known)
  if (before && before.saidAt >= saidAt) return id
  const sources = [source, ...(before?.sources ?? [])].slice(0, MAX_SOURCES)
  const body: z.infer<typeof memoryBodySchema> = { subject: fact.subject, saidAt, sources }
  await records.put(MEMORIES_COLLECTION, { id, person, text: fact.text, body, createdAt: saidAt })
  return id
}

/** Those that are there still, in the order of their ids. */
export async function memoriesByIds(
  records: Records,
  person: string,
  ids: string[],
): Promise<StoredMemory[]> {
  const found = await Promise.all(ids.map(id => records.get({ collection: MEMORIES_COLLECTION, person, id })))
  return found.filter(one => one !== undefined).map(toStoredMemory)
}

/** All that is known of a person, the newest first. */
export async function currentMemories(records: Records, person: string): Promise<StoredMemory[]> {
  return (await memoryHistory(records, person)).filter(({ until }) => until === undefined)
}

/** What was known of a person too: what was replaced has the time since when something newer holds. The newest first. */
export async function memoryHistory(
  records: Records,
  person: string,
): Promise<(StoredMemory & { until?: string })[]> {
  const all = await records.list({ collection: MEMORIES_COLLECTION, person, limit: MAX_MEMORIES })
  const newer = new Map<string, string>()
  return all
    .map(toStoredMemory)
    .sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1))
    .map(memory => {
      const until = newer.get(memory.subject)
      newer.set(memory.subject, memory.saidAt)
      return until === undefined ? memory : { ...memory, until }
    })
}

export function newestPerSubject(memories: StoredMemory[]): StoredMemory[] {
  const newest = new Map<string, StoredMemory>()
  for (const memory of memories) {
    const known = newest.get(memory.subject)
    if (!known || known.saidAt < memory.saidAt) newest.set(memory.subject, memory)
  }
  return memories.filter(memory => newest.get(memory.subject) === memory)
}

/** Removes the memories that `matches` accepts, older ones of the same subject included; gives back their ids. */
export async function deleteMemories(
  records: Records,
  { person, saidAt }: { person: string; saidAt: string },
  matches: (memory: StoredMemory) => boolean,
): Promise<string[]> {
  const deletedIds: string[] = []
  const all = await records.list({ collection: MEMORIES_COLLECTION, person, limit: MAX_MEMORIES })
  // The oldest first: should this be cut short, what it is known by is still there.
  for (const memory of all.reverse().map(toStoredMemory).filter(matches)) {
    if (memory.saidAt > saidAt) continue
    const key = { person, id: memory.id }
    await records.put(TOMBSTONES_COLLECTION, { ...key, text: '', body: { at: saidAt }, createdAt: saidAt })
    await records.delete({ ...key, collection: MEMORIES_COLLECTION })
    deletedIds.push(memory.id)
  }
  return deletedIds
}

/** What was forgotten has no vector left, whichever model made it. */
export async function deleteVectors(vectors: Vectors, person: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  for (const model of await vectors.models()) await (await vectors.index(model)).delete(person, ids)
}
