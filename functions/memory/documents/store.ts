import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Logger } from '#shared/base/log.ts'
import { keyedId } from '#shared/contract/events/ids.ts'
import { deleteVectors } from '#shared/knowledge/memories.ts'
import {
  DOCUMENTS_COLLECTION,
  MAX_DOCUMENTS,
  PASSAGES_COLLECTION,
  passageId,
  passageIds,
} from '#shared/knowledge/passages.ts'
import type { Models } from '#shared/models/models.ts'
import type { Objects } from '#shared/objects/objects.ts'
import { parseRecordBody } from '#shared/store/record-body.ts'
import type { JsonRecord, Records } from '#shared/store/store.ts'
import type { Vectors } from '#shared/vectors/vectors.ts'
import type { PassageDraft } from '../readers/chunks.ts'
import { type DocumentLocation, documentKindSchema, documentLocationSchema } from '../readers/document.ts'
import type { MemoryState } from '../state.ts'

/** The decisions about requests to forget documents, by the id of the requesting message. */
export const FORGET_DECISIONS_COLLECTION = 'library-forgotten'

const BATCH_SIZE = 100

export type KnowledgeBaseDependencies = {
  records: Records
  objects: Objects
  vectors: Vectors
  models: Models
  log: Logger
  signal: AbortSignal
  now(): number
  state: MemoryState
}

/**
 * A stored document. `prefix`: of its passages, see `passageIds`. `object`: the key of its bytes. `at`: the time of the
 * message that brought it.
 */
export const storedDocumentSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: documentKindSchema,
  count: z.int(),
  passages: z.int(),
  prefix: z.string().optional(),
  object: z.string(),
  at: z.string(),
})
export type StoredDocument = z.infer<typeof storedDocumentSchema>
const documentBodySchema = storedDocumentSchema.omit({ id: true, name: true })

/** The decision about a request to forget documents. */
export const forgetDecisionSchema = z.object({
  gone: z.array(storedDocumentSchema),
  reply: z.string(),
  asked: z.array(z.string()).optional(),
})
export type ForgetDecision = z.infer<typeof forgetDecisionSchema>

/** `led`: the number of characters in the record's text before the passage itself. */
const passageBodySchema = z.object({
  document: z.string(),
  n: z.int(),
  place: documentLocationSchema,
  led: z.int(),
})

export type StoredPassage = {
  id: string
  document: string
  n: number
  place: DocumentLocation
  text: string
  score: number
}

/** The same bytes of the same person are the same document, whatever their name. */
export const documentId = (person: string, bytes: Uint8Array): string =>
  keyedId(person, DOCUMENTS_COLLECTION, createHash('sha256').update(bytes).digest('hex'))

export async function findDocument(
  records: Records,
  person: string,
  id: string,
): Promise<StoredDocument | undefined> {
  const found = await records.get({ collection: DOCUMENTS_COLLECTION, person, id })
  return found && toStoredDocument(found)
}

/** All documents of a person, the newest first. */
export async function listDocuments(records: Records, person: string): Promise<StoredDocument[]> {
  return (await records.list({ collection: DOCUMENTS_COLLECTION, person, limit: MAX_DOCUMENTS })).map(
    toStoredDocument,
  )
}

const toStoredDocument = (record: JsonRecord): StoredDocument => ({
  ...parseRecordBody(documentBodySchema, DOCUMENTS_COLLECTION, record),
  id: record.id,
  name: record.text,
})

/**
 * The prefix of passage ids for one attachment. Its passages thus stay unchanged when the same document is forgotten,
 * or arrives with another message.
 */
const passagePrefix = (person: string, object: string): string => keyedId(person, PASSAGES_COLLECTION, object)

/**
 * Stores the passages first and the document last. Until then no search finds it, and storing it again completes it.
 * Returns the stored document: another message may have brought the same bytes meanwhile.
 */
export async function storeDocument(
  dependencies: KnowledgeBaseDependencies,
  person: string,
  { id, name, ...facts }: Omit<StoredDocument, 'passages' | 'prefix'>,
  pieces: readonly PassageDraft[],
): Promise<StoredDocument> {
  const { records } = dependencies
  const prefix = passagePrefix(person, facts.object)
  const put = ({ place, text }: PassageDraft, n: number) => {
    const { section } = place
    const fullText = section === undefined || section === text ? text : `${section}\n${text}`
    const body = { document: id, n, place, led: fullText.length - text.length }
    const passage = { id: passageId(prefix, n), person, text: fullText, body, createdAt: facts.at }
    return records.put(PASSAGES_COLLECTION, passage)
  }
  for (let from = 0; from < pieces.length; from += BATCH_SIZE) {
    const [first, ...others] = pieces.slice(from, from + BATCH_SIZE)
    // Before the others, because `deletePassages` requires that order.
    await put(first!, from)
    await Promise.all(others.map((piece, index) => put(piece, from + 1 + index)))
  }
  const body = { ...facts, passages: pieces.length, prefix }
  for (;;) {
    if (await records.insert(DOCUMENTS_COLLECTION, { id, person, text: name, body, createdAt: facts.at })) {
      const stored = { id, name, ...body }
      // A stalled attempt may get here after another attempt stored the document and the person had it forgotten.
      if (await wasForgotten(records, person, stored)) await deleteDocument(dependencies, person, stored)
      return stored
    }
    const existing = await findDocument(records, person, id)
    if (existing) return existing
  }
}

const wasForgotten = async (records: Records, person: string, { object }: StoredDocument): Promise<boolean> =>
  (await records.list({ collection: FORGET_DECISIONS_COLLECTION, person, limit: MAX_DOCUMENTS })).some(
    record =>
      parseRecordBody(forgetDecisionSchema, FORGET_DECISIONS_COLLECTION, record).gone.some(
        one => one.object === object,
      ),
  )

/** Deletes a document. After the first step no search finds it. Another call completes an interrupted deletion. */
export async function deleteDocument(
  dependencies: KnowledgeBaseDependencies,
  person: string,
  document: StoredDocument,
): Promise<void> {
  const { records, objects } = dependencies
  const { id, object } = document
  if ((await findDocument(records, person, id))?.object === object)
    await records.delete({ collection: DOCUMENTS_COLLECTION, person, id })
  await deletePassages(dependencies, person, passageIds(document))
  await objects.delete(object)
}

/** Removes an attachment that is not kept: its bytes, and the passages that an interrupted attempt left. */
export async function discardAttachment(
  dependencies: KnowledgeBaseDependencies,
  person: string,
  object: string,
): Promise<void> {
  const { records, objects } = dependencies
  const idOf = (n: number) => passageId(passagePrefix(person, object), n)
  let count = 0
  while (await records.get({ collection: PASSAGES_COLLECTION, person, id: idOf(count) })) count += BATCH_SIZE
  await deletePassages(
    dependencies,
    person,
    Array.from({ length: count }, (_, n) => idOf(n)),
  )
  await objects.delete(object)
}

/**
 * Deletes passages from the last batch to the first, and the first passage of each batch last. From these first
 * passages `discardAttachment` finds the rest after an interruption.
 */
async function deletePassages(
  { records, vectors }: KnowledgeBaseDependencies,
  person: string,
  ids: string[],
): Promise<void> {
  const deleteBatch = async (some: string[]) => {
    await Promise.all(some.map(id => records.delete({ collection: PASSAGES_COLLECTION, person, id })))
    await deleteVectors(vectors, person, some)
  }
  for (
    let from = Math.ceil(ids.length / BATCH_SIZE) * BATCH_SIZE - BATCH_SIZE;
    from >= 0;
    from -= BATCH_SIZE
  ) {
    await deleteBatch(ids.slice(from + 1, from + BATCH_SIZE))
    await deleteBatch(ids.slice(from, from + 1))
  }
}

/** Passages that share words with a query, best first. */
export async function searchPassages(
  records: Records,
  person: string,
  query: string,
  limit: number,
): Promise<StoredPassage[]> {
  return (await records.search({ collection: PASSAGES_COLLECTION, person, query, limit })).map(
    toStoredPassage,
  )
}

/** The existing passages of these ids, in their order. */
export async function passagesByIds(
  records: Records,
  person: string,
  ids: string[],
): Promise<StoredPassage[]> {
  const found = await Promise.all(ids.map(id => records.get({ collection: PASSAGES_COLLECTION, person, id })))
  return found.filter(one => one !== undefined).map(toStoredPassage)
}

/** The first passages of a document. */
export const firstPassages = (
  records: Records,
  person: string,
  document: StoredDocument,
  count: number,
): Promise<StoredPassage[]> => passagesByIds(records, person, passageIds(document).slice(0, count))

function toStoredPassage(record: JsonRecord & { score?: number }): StoredPassage {
  const { document, n, place, led } = parseRecordBody(passageBodySchema, PASSAGES_COLLECTION, record)
  return { id: record.id, document, n, place, text: record.text.slice(led), score: record.score ?? 0 }
}
