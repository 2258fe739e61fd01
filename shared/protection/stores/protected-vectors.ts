import type { VectorIndex, Vectors } from '../../vectors/vectors.ts'
import { aadOf } from '../associated-data.ts'
import { type DataKey, decodeEnvelope, keyIdOf, sealText, unseal } from '../envelope.ts'
import type { Keys } from '../keys.ts'

const aadOfId = (person: string) => aadOf('vector', person)

/**
 * Encrypts the ids of vectors, since ids may be derived from people's words. The vectors themselves stay readable,
 * because a driver must compare them. They belong to a person, and are removed with that person. Vectors of a person
 * without a key are not stored.
 */
export function protectedVectors(inner: Vectors, keys: Keys): Vectors {
  return {
    ...inner,
    index: async model => protectedIndex(await inner.index(model), keys),
  }
}

const sealId = (key: DataKey, person: string, id: string) => sealText(key, aadOfId(person), id)

/** Undefined if its key was destroyed. */
async function unsealId(keys: Keys, person: string, stored: string): Promise<string | undefined> {
  const aad = aadOfId(person)
  const sealed = decodeEnvelope(stored, aad)
  const key = await keys.byId(keyIdOf(sealed, aad))
  return key && unseal(key, aad, sealed).toString()
}

function protectedIndex(inner: VectorIndex, keys: Keys): VectorIndex {
  return {
    ...inner,
    async upsert(entries) {
      const sealed = entries.map(async entry => {
        const key = await keys.find(entry.person)
        // If a person is forgotten while a vector is made, the vector is not stored.
        return key ? [{ ...entry, id: sealId(key, entry.person, entry.id) }] : []
      })
      await inner.upsert((await Promise.all(sealed)).flat())
    },
    async search(asked) {
      const found = await inner.search(asked)
      const unsealed = found.map(async ({ id, score }) => ({
        id: await unsealId(keys, asked.person, id),
        score,
      }))
      return (await Promise.all(unsealed)).flatMap(({ id, score }) =>
        id === undefined ? [] : [{ id, score }],
      )
    },
    async *read(person) {
      for await (const entry of inner.read(person)) {
        const id = await unsealId(keys, person, entry.id)
        if (id !== undefined) yield { ...entry, id }
      }
    },
    async delete(person, ids) {
      const key = await keys.find(person)
      if (key)
        await inner.delete(
          person,
          ids.map(id => sealId(key, person, id)),
        )
    },
  }
}
