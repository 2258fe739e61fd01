import type { Space } from '../vectors/vectors.ts'

/** What has a meaning: the text of a memory, under its id. */
export type Entry = { id: string; text: string }

/** Vectors of texts that are looked for, in their order. */
export type EmbedTexts = (texts: string[]) => Promise<Float32Array[]>

type Following = {
  space: Space
  person: string
  /** All that there is now. */
  read(): Promise<Entry[]>
  embed: EmbedTexts
  /** No more than these are embedded; default all. */
  most?: number
}

const BATCH = 16

/** Makes a person's vectors in a space those of their memories: gives back how many were made and how many are left. */
export async function followMemories(following: Following): Promise<{ made: number; left: number }> {
  const { space, person, read, embed, most = Number.POSITIVE_INFINITY } = following
  const entries = await read()
  const known = await idsIn(space, person)
  const ids = new Set(entries.map(({ id }) => id))
  await remove(
    space,
    person,
    [...known].filter(id => !ids.has(id)),
  )
  const missing = entries.filter(({ id }) => !known.has(id))
  const wanted = missing.slice(0, most)
  for (let at = 0; at < wanted.length; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH)
    const vectors = await embed(batch.map(({ text }) => text))
    await space.upsert(batch.map(({ id }, index) => ({ person, id, values: vectors[index]! })))
    // What was forgotten meanwhile had no vector yet that its forgetting could have removed.
    const still = new Set((await read()).map(({ id }) => id))
    await remove(
      space,
      person,
      batch.map(({ id }) => id).filter(id => !still.has(id)),
    )
  }
  return { made: wanted.length, left: missing.length - wanted.length }
}

export async function idsIn(space: Space, person: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { id } of space.read(person)) ids.add(id)
  return ids
}

async function remove(space: Space, person: string, ids: string[]): Promise<void> {
  if (ids.length > 0) await space.delete(person, ids)
}
