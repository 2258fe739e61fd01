import * as z from 'zod'
import { keyedId } from '../contract/events/ids.ts'
import { parseRecordBody } from '../store/record-body.ts'
import type { JsonRecord, Records } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'

/** The collection of records that holds memories; each memory belongs to one person. */
export const MEMORIES_COLLECTION = 'memories'
/**
 * When a memory was last forgotten, under its id: a late repetition of the event that made it must not bring it back.
 */
const TOMBSTONES_COLLECTION = 'forgotten'
const MAX_MEMORIES = 1_000

/** A fact that a person told. Among facts about the same subject the newest holds. */
export type Fact = { text: string; subject: string }

/** The most sources that a memory keeps. */
const MAX_SOURCES = 5

/** The message in which a person told a fact. */
const memorySourceSchema = z.object({ message: z.string(), conversation: z.string(), saidAt: z.string() })
export type MemorySource = z.infer<typeof memorySourceSchema>
export type StoredMemory = Fact & { id: string; saidAt: string; score: number; sources: MemorySource[] }

/** Memories older than sources have none. */
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
 * Saves a memory once, however often the person tells it; telling it again makes it the newest. A replaced memory
 * stays, as an older one. Returns the memory's id; undefined if it was forgotten after the person told it.
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

/** The memories that still exist, in the order of `ids`. */
export async function memoriesByIds(
  records: Records,
  person: string,
  ids: string[],
): Promise<StoredMemory[]> {
  const found = await Promise.all(ids.map(id => records.get({ collection: MEMORIES_COLLECTION, person, id })))
  return found.filter(one => one !== undefined).map(toStoredMemory)
}

/** All current memories of a person, newest first. */
export async function currentMemories(records: Records, person: string): Promise<StoredMemory[]> {
  return (await memoryHistory(records, person)).filter(({ until }) => until === undefined)
}

/** All memories of a person, newest first. A replaced one has the time since when a newer one holds. */
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

/** Removes the memories that `matches` accepts, older ones of the same subject included; returns their ids. */
export async function deleteMemories(
  records: Records,
  { person, saidAt }: { person: string; saidAt: string },
  matches: (memory: StoredMemory) => boolean,
): Promise<string[]> {
  const deletedIds: string[] = []
  const all = await records.list({ collection: MEMORIES_COLLECTION, person, limit: MAX_MEMORIES })
  // Oldest first: if the process stops in between, the newest memory still leads to the rest.
  for (const memory of all.reverse().map(toStoredMemory).filter(matches)) {
    if (memory.saidAt > saidAt) continue
    const key = { person, id: memory.id }
    await records.put(TOMBSTONES_COLLECTION, { ...key, text: '', body: { at: saidAt }, createdAt: saidAt })
    await records.delete({ ...key, collection: MEMORIES_COLLECTION })
    deletedIds.push(memory.id)
  }
  return deletedIds
}

/** Removes the vectors of forgotten memories from every model. */
export async function deleteVectors(vectors: Vectors, person: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  for (const model of await vectors.models()) await (await vectors.index(model)).delete(person, ids)
}
