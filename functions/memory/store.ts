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

export type Remembered = Fact & { id: string; saidAt: string; score: number }

const toRemembered = (document: Document & { score?: number }): Remembered => {
  const { subject, saidAt } = document.body as { subject: string; saidAt: string }
  return { id: document.id, text: document.text, subject, saidAt, score: document.score ?? 0 }
}

/** Kept once however often it is said; saying it again makes it the newest. */
export async function remember(
  documents: Documents,
  person: string,
  fact: Fact,
  saidAt: string,
): Promise<void> {
  const id = keyedId(person, MEMORIES, fact.text.toLowerCase().replace(/\s+/g, ' '))
  const forgotten = await documents.get({ collection: FORGOTTEN, person, id })
  if (forgotten && (forgotten.body as { at: string }).at >= saidAt) return
  const known = await documents.get({ collection: MEMORIES, person, id })
  if (known && toRemembered(known).saidAt >= saidAt) return
  const body = { subject: fact.subject, saidAt }
  await documents.put(MEMORIES, { id, person, text: fact.text, body, createdAt: saidAt })
}

/** Memories that have to do with a text, best first; of those about the same subject only the newest. */
export async function recall(documents: Documents, person: string, text: string): Promise<Remembered[]> {
  const found = await find(documents, person, text)
  return newestOfEach(found.filter(memory => related(memory.text, text)))
}

const find = async (documents: Documents, person: string, text: string) =>
  (await documents.search({ collection: MEMORIES, person, query: searchWords(text), limit: MAX_FOUND })).map(
    toRemembered,
  )

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

/** Removes the memories that `matches` accepts, older ones of the same subject included. */
export async function forget(
  documents: Documents,
  { person, saidAt }: { person: string; saidAt: string },
  matches: (memory: Remembered) => boolean,
): Promise<void> {
  const all = await documents.list({ collection: MEMORIES, person, limit: MAX_ALL })
  for (const memory of all.map(toRemembered).filter(matches)) {
    if (memory.saidAt > saidAt) continue
    const key = { person, id: memory.id }
    await documents.put(FORGOTTEN, { ...key, text: '', body: { at: saidAt }, createdAt: saidAt })
    await documents.delete({ ...key, collection: MEMORIES })
  }
}

export const toMemory = ({ id, text, score, saidAt }: Remembered): Memory => ({
  id,
  text,
  score,
  createdAt: saidAt,
})
