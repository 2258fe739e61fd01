import type { Document, Documents } from '../../shared/conversations/conversations.ts'
import { keyedId } from '../../shared/events/ids.ts'
import type { Memory } from '../../shared/events/types.ts'
import type { Fact } from './facts.ts'
import { related, searchWords } from './words.ts'

const MEMORIES = 'memories'
/** Under a memory's id, when it was last forgotten: a late repetition of the event that made it must not bring it back. */
const FORGOTTEN = 'forgotten'
const MAX_FOUND = 30
const MAX_ALL = 1_000

/** How many times of saying it a memory keeps. */
const MAX_SOURCES = 5

/** The message in which something was said. */
export type Source = { message: string; conversation: string; saidAt: string }
export type Remembered = Fact & { id: string; saidAt: string; score: number; sources: Source[] }

type Body = { subject: string; saidAt: string; sources?: Source[] }

const toRemembered = (document: Document & { score?: number }): Remembered => {
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

/** Memories that have to do with a text, best first; of those about the same subject only the newest. */
export async function recall(documents: Documents, person: string, text: string): Promise<Remembered[]> {
  const found = await find(documents, person, text)
  return newestOfEach(found.filter(memory => related(memory.text, text)))
}

export type Earlier = Remembered & { until: string }

/** Memories that have to do with a text and that newer ones of the same subject have replaced, each with when; the newest first. */
export async function earlier(documents: Documents, person: string, text: string): Promise<Earlier[]> {
  const found = (await find(documents, person, text)).filter(memory => related(memory.text, text))
  const bySubject = Map.groupBy(found, ({ subject }) => subject)
  return [...bySubject.values()].flatMap(memories => {
    const sorted = memories.sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1))
    return sorted.slice(1).map((memory, index) => ({ ...memory, until: sorted[index]!.saidAt }))
  })
}

const find = async (documents: Documents, person: string, text: string) =>
  (await documents.search({ collection: MEMORIES, person, query: searchWords(text), limit: MAX_FOUND })).map(
    toRemembered,
  )

/** Those that are there still, in the order of their ids. */
export async function byIds(documents: Documents, person: string, ids: string[]): Promise<Remembered[]> {
  const found = await Promise.all(ids.map(id => documents.get({ collection: MEMORIES, person, id })))
  return found.filter(one => one !== undefined).map(toRemembered)
}

/** Softens the difference between ranks (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", 2009). */
const RANK_CONSTANT = 60

/**
 * What was found by words and what was found by meaning, as one list: by the sum of their reciprocal ranks, the newer
 * first where that is the same; of those about the same subject only the newest.
 */
export function mixed(...lists: Remembered[][]): Remembered[] {
  const scores = new Map<string, number>()
  const memories = new Map<string, Remembered>()
  for (const list of lists)
    for (const [rank, memory] of list.entries()) {
      scores.set(memory.id, (scores.get(memory.id) ?? 0) + 1 / (RANK_CONSTANT + rank + 1))
      if (!memories.has(memory.id)) memories.set(memory.id, memory)
    }
  const sorted = [...memories.values()].sort(
    (a, b) => scores.get(b.id)! - scores.get(a.id)! || (a.saidAt < b.saidAt ? 1 : -1),
  )
  return newestOfEach(sorted.map(memory => ({ ...memory, score: memory.score || scores.get(memory.id)! })))
}

/** All that is known of a person, the newest first. */
export async function everything(documents: Documents, person: string): Promise<Remembered[]> {
  const all = await documents.list({ collection: MEMORIES, person, limit: MAX_ALL })
  return newestOfEach(all.map(toRemembered).sort((a, b) => (a.saidAt < b.saidAt ? 1 : -1)))
}

function newestOfEach(memories: Remembered[]): Remembered[] {
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

export const toMemory = ({ id, text, score, saidAt }: Remembered): Memory => ({
  id,
  text,
  score,
  createdAt: saidAt,
})
