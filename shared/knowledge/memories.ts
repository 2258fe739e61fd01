import { keyedId } from '../contract/events/ids.ts'
import type { Document, Documents } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'

/** The collection of documents that memories are, a person's each. */
export const MEMORIES = 'memories'
/** Under a memory's id, when it was last forgotten: a late repetition of the event that made it must not bring it back. */
const FORGOTTEN = 'forgotten'
const MAX_ALL = 1_000

/** Something a person said about themself. Of facts about the same subject the newest holds. */
export type Fact = { text: string; subject: string }

/** How many times of saying it a memory keeps. */
const MAX_SOURCES = 5

/** The message in which something was said. */
export type Source = { message: string; conversation: string; saidAt: string }
export type Remembered = Fact & { id: string; saidAt: string; score: number; sources: Source[] }

type Body = { subject: string; saidAt: string; sources?: Source[] }

export const toRemembered = (document: Document & { score?: number }): Remembered => {
  // What was kept before there were sources has none.
  const { subject, saidAt, sources = [] } = document.body as Body
  return { id: document.id, text: document.text, subject, saidAt, sources, score: document.score ?? 0 }
}

/**
 * Kept once however often it is said; saying it again makes it the newest. What it replaces is kept too, as older. Gives
 * back its id; undefined when it was forgotten since.
 */
export async function remember(
  documents: Documents,
  person: string,
  fact: Fact,
  source: Source,
): Promise<string | undefined> {
  const { saidAt } = source
  const id = keyedId(person, MEMORIES, fact.text.toLowerCase().replace(/\s+/g, ' '))
  const forgotten = await documents.get({ collection: FORGOTTEN, person, id })
  if (forgotten && (forgotten.body as { at: string }).at >= saidAt) return undefined
  const known = await documents.get({ collection: MEMORIES, person, id })
  const before = known && toRemembered(known)
  if (before && before.saidAt >= saidAt) return id
  const sources = [source, ...(before?.sources ?? [])].slice(0, MAX_SOURCES)
  const body: Body = { subject: fact.subject, saidAt, sources }
  await documents.put(MEMORIES, { id, person, text: fact.text, body, createdAt: saidAt })
  return id
}

/** Those that are there still, in the order of their ids. */
export async function byIds(documents: Documents, person: string, ids: string[]): Promise<Remembered[]> {
  const found = await Promise.all(ids.map(id => documents.get({ collection: MEMORIES, person, id })))
  return found.filter(one => one !== undefined).map(toRemembered)
}

/** All that is known of a person, the newest first. */
export async function everything(documents: Documents, person: string): Promise<Remembered[]> {
  return (await everythingSince(documents, person)).filter(({ until }) => until === undefined)
}

/** What was known of a person too: what was replaced has the time since when something newer holds. The newest first. */
export async function everythingSince(
  documents: Documents,
  person: string,
): Promise<(Remembered & { until?: string })[]> {
  const all = await documents.list({ collection: MEMORIES, person, limit: MAX_ALL })
  const newer = new Map<string, string>()
  return all
    .map(toRemembered)
    .sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1))
    .map(memory => {
      const until = newer.get(memory.subject)
      newer.set(memory.subject, memory.saidAt)
      return until === undefined ? memory : { ...memory, until }
    })
}

export function newestOfEach(memories: Remembered[]): Remembered[] {
  const newest = new Map<string, Remembered>()
  for (const memory of memories) {
    const known = newest.get(memory.subject)
    if (!known || known.saidAt < memory.saidAt) newest.set(memory.subject, memory)
  }
  return memories.filter(memory => newest.get(memory.subject) === memory)
}

/** Removes the memories that `matches` accepts, older ones of the same subject included; gives back their ids. */
export async function forget(
  documents: Documents,
  { person, saidAt }: { person: string; saidAt: string },
  matches: (memory: Remembered) => boolean,
): Promise<string[]> {
  const gone: string[] = []
  const all = await documents.list({ collection: MEMORIES, person, limit: MAX_ALL })
  // The oldest first: should this be cut short, what it is known by is still there.
  for (const memory of all.reverse().map(toRemembered).filter(matches)) {
    if (memory.saidAt > saidAt) continue
    const key = { person, id: memory.id }
    await documents.put(FORGOTTEN, { ...key, text: '', body: { at: saidAt }, createdAt: saidAt })
    await documents.delete({ ...key, collection: MEMORIES })
    gone.push(memory.id)
  }
  return gone
}

/** What was forgotten has no vector left, whichever model made it. */
export async function forgetVectors(vectors: Vectors, person: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  for (const model of await vectors.models()) await (await vectors.space(model)).delete(person, ids)
}
