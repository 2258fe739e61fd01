import { createHash } from 'node:crypto'
import type { Document, Documents } from '../../../shared/conversations/conversations.ts'
import { keyedId } from '../../../shared/events/ids.ts'
import type { Log } from '../../../shared/log.ts'
import { forgetVectors } from '../../../shared/memories/memories.ts'
import { idsOf, LIBRARY, MAX_DOCUMENTS, PASSAGES, passageId } from '../../../shared/memories/passages.ts'
import type { Models } from '../../../shared/models/models.ts'
import type { Objects } from '../../../shared/objects/objects.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'
import type { Piece } from './passages.ts'
import type { Kind, Place } from './read.ts'

const BATCH = 100

export type Tools = {
  documents: Documents
  objects: Objects
  vectors: Vectors
  models: Models
  log: Log
  signal: AbortSignal
  now(): number
}

/** A document that is kept. `object`: where its bytes are. `at`: when the message that brought it was sent. */
export type Held = {
  id: string
  name: string
  kind: Kind
  count: number
  passages: number
  object: string
  at: string
}

export type Passage = { id: string; document: string; n: number; place: Place; text: string; score: number }

/** The same bytes of the same person are the same document, whatever their name. */
export const documentId = (person: string, bytes: Uint8Array): string =>
  keyedId(person, LIBRARY, createHash('sha256').update(bytes).digest('hex'))

export async function held(documents: Documents, person: string, id: string): Promise<Held | undefined> {
  const found = await documents.get({ collection: LIBRARY, person, id })
  return found && toHeld(found)
}

/** All that a person has, the newest first. */
export async function allHeld(documents: Documents, person: string): Promise<Held[]> {
  return (await documents.list({ collection: LIBRARY, person, limit: MAX_DOCUMENTS })).map(toHeld)
}

const toHeld = ({ id, text, body }: Document): Held => ({
  ...(body as Omit<Held, 'id' | 'name'>),
  id,
  name: text,
})

/** The document comes last: until then nothing of it is found, and keeping it again completes it. */
export async function keep(
  documents: Documents,
  person: string,
  { id, name, ...facts }: Omit<Held, 'passages'>,
  pieces: readonly Piece[],
): Promise<void> {
  for (let from = 0; from < pieces.length; from += BATCH)
    await Promise.all(
      pieces.slice(from, from + BATCH).map(({ place, text }, index) => {
        const { section } = place
        const whole = section === undefined || section === text ? text : `${section}\n${text}`
        const body = { document: id, n: from + index, place, led: whole.length - text.length }
        const key = { id: passageId(id, from + index), person }
        return documents.put(PASSAGES, { ...key, text: whole, body, createdAt: facts.at })
      }),
    )
  const body = { ...facts, passages: pieces.length }
  await documents.put(LIBRARY, { id, person, text: name, body, createdAt: facts.at })
}

/** From its first step on nothing of it is found; said again, it does what is left to do. */
export async function remove(
  { documents, objects, vectors }: Tools,
  person: string,
  document: Held,
): Promise<void> {
  await documents.delete({ collection: LIBRARY, person, id: document.id })
  const ids = idsOf(document)
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH)
    await Promise.all(batch.map(one => documents.delete({ collection: PASSAGES, person, id: one })))
    await forgetVectors(vectors, person, batch)
  }
  await objects.delete(document.object)
}

/** Passages that share words with a query, best first. */
export async function search(
  documents: Documents,
  person: string,
  query: string,
  limit: number,
): Promise<Passage[]> {
  return (await documents.search({ collection: PASSAGES, person, query, limit })).map(toPassage)
}

/** Those of the ids that are there, in their order. */
export async function passages(documents: Documents, person: string, ids: string[]): Promise<Passage[]> {
  const found = await Promise.all(ids.map(id => documents.get({ collection: PASSAGES, person, id })))
  return found.filter(one => one !== undefined).map(toPassage)
}

/** The beginning of a document. */
export const beginning = (
  documents: Documents,
  person: string,
  id: string,
  count: number,
): Promise<Passage[]> =>
  passages(
    documents,
    person,
    Array.from({ length: count }, (_, n) => passageId(id, n)),
  )

function toPassage({ id, text, body, score = 0 }: Document & { score?: number }): Passage {
  const { document, n, place, led } = body as { document: string; n: number; place: Place; led: number }
  return { id, document, n, place, text: text.slice(led), score }
}
