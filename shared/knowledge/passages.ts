import * as z from 'zod'
import { parseRecordBody } from '../store/record-body.ts'
import type { JsonRecord, Records } from '../store/store.ts'
import type { EmbeddingModel, VectorIndex, Vectors } from '../vectors/vectors.ts'
import { deleteVectors } from './memories.ts'
import { type EmbedTexts, vectorIdsOf } from './memory-vectors.ts'

/** The documents that people sent; each belongs to one person. */
export const DOCUMENTS_COLLECTION = 'library'
/**
 * The passages of documents. A passage's text begins with its heading, if there is one, so that a search finds it by
 * the heading.
 */
export const PASSAGES_COLLECTION = 'passages'
/** The most documents of one person. */
export const MAX_DOCUMENTS = 500

const BATCH = 16

/** Passages have their own vector space, so that a search for memories finds memories alone. */
export const passageModel = ({ id, dimensions }: EmbeddingModel): EmbeddingModel => ({
  id: `${id}/passages`,
  dimensions,
})

/** The ids of a model's vector spaces, that of memories first. */
export const vectorSpaceIds = (model: string): string[] => [
  model,
  passageModel({ id: model, dimensions: 0 }).id,
]

export const passageId = (prefix: string, n: number): string => `${prefix}/${n}`

/** `prefix` begins the ids of the passages. Documents older than prefixes use their own id. */
const documentPassagesSchema = z.object({ passages: z.int().nonnegative(), prefix: z.string().optional() })
type DocumentPassages = z.infer<typeof documentPassagesSchema> & { id: string }

/** The ids of all passages of a document. */
export const passageIds = ({ id, passages, prefix = id }: DocumentPassages): string[] =>
  Array.from({ length: passages }, (_, n) => passageId(prefix, n))

type SyncOptions = {
  records: Records
  vectors: Vectors
  space: VectorIndex
  person: string
  embed: EmbedTexts
}

/** Makes a person's vectors in a space match the person's passages; returns how many were made. */
export async function syncPassageVectors(options: SyncOptions): Promise<number> {
  const { records, vectors, space, person } = options
  const all = (await records.list({ collection: DOCUMENTS_COLLECTION, person, limit: MAX_DOCUMENTS })).map(
    (one): DocumentPassages => ({
      ...parseRecordBody(documentPassagesSchema, DOCUMENTS_COLLECTION, one),
      id: one.id,
    }),
  )
  if ((await space.count(person)) === all.reduce((sum, { passages }) => sum + passages, 0)) return 0
  const known = await vectorIdsOf(space, person)
  const wanted = new Set(all.flatMap(passageIds))
  const staleIds = [...known].filter(id => !wanted.has(id))
  if (staleIds.length > 0) await deleteVectors(vectors, person, staleIds)
  let embedded = 0
  for (const document of all) embedded += await embedMissing(document, known, options)
  return embedded
}

async function embedMissing(
  document: DocumentPassages,
  known: Set<string>,
  options: SyncOptions,
): Promise<number> {
  const { records, vectors, space, person, embed } = options
  const missing = passageIds(document).filter(id => !known.has(id))
  let embedded = 0
  for (let at = 0; at < missing.length; at += BATCH) {
    const ids = missing.slice(at, at + BATCH)
    const batch = (
      await Promise.all(ids.map(id => records.get({ collection: PASSAGES_COLLECTION, person, id })))
    ).filter((one): one is JsonRecord => one !== undefined)
    if (batch.length === 0) break
    const values = await embed(batch.map(({ text }) => text))
    await space.upsert(batch.map(({ id }, index) => ({ person, id, values: values[index]! })))
    embedded += batch.length
    // A document that was forgotten meanwhile must keep no vector.
    if (await records.get({ collection: DOCUMENTS_COLLECTION, person, id: document.id })) continue
    await deleteVectors(
      vectors,
      person,
      batch.map(({ id }) => id),
    )
    break
  }
  return embedded
}
