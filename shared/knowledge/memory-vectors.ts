import type { VectorIndex } from '../vectors/vectors.ts'

/** A text to embed: that of a memory, under its id. */
export type EmbeddableText = { id: string; text: string }

/** The vectors of texts, in the order of the texts. */
export type EmbedTexts = (texts: string[]) => Promise<Float32Array[]>

type SyncOptions = {
  space: VectorIndex
  person: string
  /** Reads all current texts. */
  read(): Promise<EmbeddableText[]>
  embed: EmbedTexts
  /** The most texts to embed; default all. */
  maxEmbedded?: number
}

const BATCH = 16

/**
 * Makes a person's vectors in a space match the person's memories; returns how many were made and how many are left.
 */
export async function syncMemoryVectors(options: SyncOptions): Promise<{ made: number; left: number }> {
  const { space, person, read, embed, maxEmbedded = Number.POSITIVE_INFINITY } = options
  const entries = await read()
  const known = await vectorIdsOf(space, person)
  const ids = new Set(entries.map(({ id }) => id))
  await deleteVectorIds(
    space,
    person,
    [...known].filter(id => !ids.has(id)),
  )
  const missing = entries.filter(({ id }) => !known.has(id))
  const wanted = missing.slice(0, maxEmbedded)
  for (let at = 0; at < wanted.length; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH)
    const vectors = await embed(batch.map(({ text }) => text))
    await space.upsert(batch.map(({ id }, index) => ({ person, id, values: vectors[index]! })))
    // Forgetting a memory meanwhile could not remove its vector, which did not exist yet.
    const still = new Set((await read()).map(({ id }) => id))
    await deleteVectorIds(
      space,
      person,
      batch.map(({ id }) => id).filter(id => !still.has(id)),
    )
  }
  return { made: wanted.length, left: missing.length - wanted.length }
}

export async function vectorIdsOf(space: VectorIndex, person: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { id } of space.read(person)) ids.add(id)
  return ids
}

async function deleteVectorIds(space: VectorIndex, person: string, ids: string[]): Promise<void> {
  if (ids.length > 0) await space.delete(person, ids)
}
