import * as z from 'zod'
import { parseRecordBody } from '../store/record-body.ts'
import type { JsonRecord, Records } from '../store/store.ts'
import type { EmbeddingModel, VectorIndex, Vectors } from '../vectors/vectors.ts'
import { deleteVectors } from './memories.ts'
import { type EmbedTexts, vectorIdsOf } from './memory-vectors.ts'

/** The documents that people gave to be read, a person's each. */
export const DOCUMENTS_COLLECTION = 'library'
/** What they say, in passages. The text is led by the heading, if there is one, so that it is found by it. */
export const PASSAGES_COLLECTION = 'passages'
/** As many as a person may have. */
export const MAX_DOCUMENTS = 500

const BATCH = 16

/** Passages have a space of their own: memories are looked for among memories alone. */
export const passageModel = ({ id, dimensions }: EmbeddingModel): EmbeddingModel => ({
  id: `${id}/passages`,
  dimensions,
})

/** The ids under which vectors of a model are kept, those of memories first. */
export const vectorSpaceIds = (model: string): string[] => [
  model,
  passageModel({ id: model, dimensions: 0 }).id,
]

export const passageId = (prefix: string, n: number): string => `${prefix}/${n}`

/** `prefix`: of the ids of its passages. A document that was kept before there were any has its own id there. */
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

/** Makes a person's vectors in a space those of their passages; gives back how many were made. */
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
    // What was forgotten meanwhile must have no vector left.
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
