import { createHash } from 'node:crypto'
import type { Log } from '#shared/base/log.ts'
import { keyedId } from '#shared/contract/events/ids.ts'
import { forgetVectors } from '#shared/knowledge/memories.ts'
import { idsOf, LIBRARY, MAX_DOCUMENTS, PASSAGES, passageId } from '#shared/knowledge/passages.ts'
import type { Models } from '#shared/models/models.ts'
import type { Objects } from '#shared/objects/objects.ts'
import type { Document, Documents } from '#shared/store/store.ts'
import type { Vectors } from '#shared/vectors/vectors.ts'
import type { Piece } from '../readers/chunks.ts'
import type { Kind, Place } from '../readers/document.ts'

/** What was decided to be forgotten, by the message that asked for it. */
export const FORGOTTEN = 'library-forgotten'

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

/**
 * A document that is kept. `prefix`: of its passages, see `idsOf`. `object`: where its bytes are. `at`: when the message
 * that brought it was sent.
 */
export type Held = {
  id: string
  name: string
  kind: Kind
  count: number
  passages: number
  prefix?: string
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

/**
 * What a message brings has passages of its own, so that nothing becomes of them when the same document is forgotten, or
 * comes with another message.
 */
const prefixOf = (person: string, object: string): string => keyedId(person, PASSAGES, object)

/**
 * The document comes last: until then nothing of it is found, and keeping it again completes it. Gives back what is kept:
 * another message may have brought the same bytes meanwhile.
 */
export async function keep(
  tools: Tools,
  person: string,
  { id, name, ...facts }: Omit<Held, 'passages' | 'prefix'>,
  pieces: readonly Piece[],
): Promise<Held> {
  const { documents } = tools
  const prefix = prefixOf(person, facts.object)
  const put = ({ place, text }: Piece, n: number) => {
    const { section } = place
    const whole = section === undefined || section === text ? text : `${section}\n${text}`
    const body = { document: id, n, place, led: whole.length - text.length }
    const passage = { id: passageId(prefix, n), person, text: whole, body, createdAt: facts.at }
    return documents.put(PASSAGES, passage)
  }
  for (let from = 0; from < pieces.length; from += BATCH) {
    const [first, ...others] = pieces.slice(from, from + BATCH)
    // Before the others, as `removePassages` wants it.
    await put(first!, from)
    await Promise.all(others.map((piece, index) => put(piece, from + 1 + index)))
  }
  const body = { ...facts, passages: pieces.length, prefix }
  for (;;) {
    if (await documents.insert(LIBRARY, { id, person, text: name, body, createdAt: facts.at })) {
      const own = { id, name, ...body }
      // By a try that stood still while another went on, and the person had it forgotten.
      if (await isForgotten(documents, person, own)) await remove(tools, person, own)
      return own
    }
    const other = await held(documents, person, id)
    if (other) return other
  }
}

const isForgotten = async (documents: Documents, person: string, { object }: Held): Promise<boolean> =>
  (await documents.list({ collection: FORGOTTEN, person, limit: MAX_DOCUMENTS })).some(({ body }) =>
    (body as { gone: Held[] }).gone.some(one => one.object === object),
  )

/** From its first step on nothing of it is found; said again, it does what is left to do. */
export async function remove(tools: Tools, person: string, document: Held): Promise<void> {
  const { documents, objects } = tools
  const { id, object } = document
  if ((await held(documents, person, id))?.object === object)
    await documents.delete({ collection: LIBRARY, person, id })
  await removePassages(tools, person, idsOf(document))
  await objects.delete(object)
}

/** Removes what a message brought and is not kept: its bytes, and passages that were left by what was cut short. */
export async function discard(tools: Tools, person: string, object: string): Promise<void> {
  const { documents, objects } = tools
  const idOf = (n: number) => passageId(prefixOf(person, object), n)
  let count = 0
  while (await documents.get({ collection: PASSAGES, person, id: idOf(count) })) count += BATCH
  await removePassages(
    tools,
    person,
    Array.from({ length: count }, (_, n) => idOf(n)),
  )
  await objects.delete(object)
}

/** The first of each batch is there as long as any of it or of a later one is: by it `discard` finds what is left. */
async function removePassages({ documents, vectors }: Tools, person: string, ids: string[]): Promise<void> {
  const removeAll = async (some: string[]) => {
    await Promise.all(some.map(id => documents.delete({ collection: PASSAGES, person, id })))
    await forgetVectors(vectors, person, some)
  }
  for (let from = Math.ceil(ids.length / BATCH) * BATCH - BATCH; from >= 0; from -= BATCH) {
    await removeAll(ids.slice(from + 1, from + BATCH))
    await removeAll(ids.slice(from, from + 1))
  }
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
  document: Held,
  count: number,
): Promise<Passage[]> => passages(documents, person, idsOf(document).slice(0, count))

function toPassage({ id, text, body, score = 0 }: Document & { score?: number }): Passage {
  const { document, n, place, led } = body as { document: string; n: number; place: Place; led: number }
  return { id, document, n, place, text: text.slice(led), score }
}
