import type { Space, Vectors } from '../../vectors/vectors.ts'
import { placeOf } from '../associated-data.ts'
import { type DataKey, keyIdOf, open, sealText, unpack } from '../envelope.ts'
import type { Keys } from '../keys.ts'

const placeOfId = (person: string) => placeOf('vector', person)

/**
 * Vectors whose ids are encrypted, since ids may be made of what was said. The vectors themselves stay as they are: who
 * compares them must be able to read them. They are a person's, and are removed with the person; those of
 * somebody without a key are not kept.
 */
export function protectedVectors(inner: Vectors, keys: Keys): Vectors {
  return {
    ...inner,
    space: async model => protectedSpace(await inner.space(model), keys),
  }
}

const sealId = (key: DataKey, person: string, id: string) => sealText(key, placeOfId(person), id)

/** Undefined when its key was destroyed. */
async function openId(keys: Keys, person: string, stored: string): Promise<string | undefined> {
  const place = placeOfId(person)
  const sealed = unpack(stored, place)
  const key = await keys.byId(keyIdOf(sealed, place))
  return key && open(key, place, sealed).toString()
}

function protectedSpace(inner: Space, keys: Keys): Space {
  return {
    ...inner,
    async upsert(entries) {
      const sealed = entries.map(async entry => {
        const key = await keys.existing(entry.person)
        // Who was forgotten while the vector was made is not found by it.
        return key ? [{ ...entry, id: sealId(key, entry.person, entry.id) }] : []
      })
      await inner.upsert((await Promise.all(sealed)).flat())
    },
    async search(asked) {
      const found = await inner.search(asked)
      const opened = found.map(async ({ id, score }) => ({ id: await openId(keys, asked.person, id), score }))
      return (await Promise.all(opened)).flatMap(({ id, score }) => (id === undefined ? [] : [{ id, score }]))
    },
    async *read(person) {
      for await (const entry of inner.read(person)) {
        const id = await openId(keys, person, entry.id)
        if (id !== undefined) yield { ...entry, id }
      }
    },
    async delete(person, ids) {
      const key = await keys.existing(person)
      if (key)
        await inner.delete(
          person,
          ids.map(id => sealId(key, person, id)),
        )
    },
  }
}
