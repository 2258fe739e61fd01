import type { Document, Documents } from '../store/store.ts'
import type { EmbeddingModel, Space, Vectors } from '../vectors/vectors.ts'
import { forgetVectors } from './memories.ts'
import { type EmbedTexts, idsIn } from './memory-vectors.ts'

/** The documents that people gave to be read, a person's each. */
export const LIBRARY = 'library'
/** What they say, in passages. The text is led by the heading, if there is one, so that it is found by it. */
export const PASSAGES = 'passages'
/** As many as a person may have. */
export const MAX_DOCUMENTS = 500

const BATCH = 16

/** Passages have a space of their own: memories are looked for among memories alone. */
export const passageModel = ({ id, dimensions }: EmbeddingModel): EmbeddingModel => ({
  id: `${id}/passages`,
  dimensions,
})

/** The ids under which vectors of a model are kept, those of memories first. */
export const spacesOf = (model: string): string[] => [model, passageModel({ id: model, dimensions: 0 }).id]

export const passageId = (prefix: string, n: number): string => `${prefix}/${n}`

/** `prefix`: of the ids of its passages. A document that was kept before there were any has its own id there. */
type Read = { id: string; passages: number; prefix?: string }

/** The ids of all passages of a document. */
export const idsOf = ({ id, passages, prefix = id }: Read): string[] =>
  Array.from({ length: passages }, (_, n) => passageId(prefix, n))

type Following = { documents: Documents; vectors: Vectors; space: Space; person: string; embed: EmbedTexts }

/** Makes a person's vectors in a space those of their passages; gives back how many were made. */
export async function followPassages(following: Following): Promise<number> {
  const { documents, vectors, space, person } = following
  const all = (await documents.list({ collection: LIBRARY, person, limit: MAX_DOCUMENTS })).map(
    ({ id, body }): Read => ({ ...(body as Read), id }),
  )
  if ((await space.count(person)) === all.reduce((sum, { passages }) => sum + passages, 0)) return 0
  const known = await idsIn(space, person)
  const wanted = new Set(all.flatMap(idsOf))
  const gone = [...known].filter(id => !wanted.has(id))
  if (gone.length > 0) await forgetVectors(vectors, person, gone)
  let made = 0
  for (const document of all) made += await embedMissing(document, known, following)
  return made
}

async function embedMissing(document: Read, known: Set<string>, following: Following): Promise<number> {
  const { documents, vectors, space, person, embed } = following
  const missing = idsOf(document).filter(id => !known.has(id))
  let made = 0
  for (let at = 0; at < missing.length; at += BATCH) {
    const ids = missing.slice(at, at + BATCH)
    const batch = (
      await Promise.all(ids.map(id => documents.get({ collection: PASSAGES, person, id })))
    ).filter((one): one is Document => one !== undefined)
    if (batch.length === 0) break
    const values = await embed(batch.map(({ text }) => text))
    await space.upsert(batch.map(({ id }, index) => ({ person, id, values: values[index]! })))
    made += batch.length
    // What was forgotten meanwhile must have no vector left.
    if (await documents.get({ collection: LIBRARY, person, id: document.id })) continue
    await forgetVectors(
      vectors,
      person,
      batch.map(({ id }) => id),
    )
    break
  }
  return made
}
