import type { JsonRecord, JsonRecordKey, Records } from '../../store/store.ts'
import { aadOf, unsealAll, unsealText } from '../associated-data.ts'
import { blindId, blindTokensOfQuery, blindTokensOfText } from '../blind-index.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'

/** Shared records (an empty person) belong to nobody, and stay as they are. */
const isShared = ({ person }: Pick<JsonRecord, 'person'>): boolean => person === ''

const aadOfRecord = (collection: string, person: string, storedId: string) =>
  aadOf('document', collection, person, storedId)

/** The id, the text and the body are one envelope, stored as the body; the indexed text is the tokens of its words. */
export function sealJsonRecord(key: DataKey, collection: string, document: JsonRecord): JsonRecord {
  const { id, text, body, person } = document
  const storedId = blindId(key, collection, id)
  const content = JSON.stringify({ id, text, body })
  return {
    ...document,
    id: storedId,
    text: blindTokensOfText(key, text),
    body: sealText(key, aadOfRecord(collection, person, storedId), content),
  }
}

/** Undefined if its key was destroyed. */
export async function unsealJsonRecord<Stored extends JsonRecord>(
  keys: Keys,
  collection: string,
  stored: Stored,
): Promise<Stored | undefined> {
  const content = await unsealText(keys, aadOfRecord(collection, stored.person, stored.id), stored.body)
  return content === undefined ? undefined : { ...stored, ...JSON.parse(content) }
}

/**
 * Encrypts the content of records, and keeps their words searchable by their tokens. The collection, the person and the
 * creation time stay readable.
 */
export function protectedRecords(inner: Records, keys: Keys): Records {
  const sealUnlessShared = async (collection: string, document: JsonRecord) =>
    isShared(document) ? document : sealJsonRecord(await keys.require(document.person), collection, document)
  const storedKeyOf = async (asked: JsonRecordKey): Promise<JsonRecordKey | undefined> => {
    if (isShared(asked)) return asked
    const key = await keys.find(asked.person)
    return key && { ...asked, id: blindId(key, asked.collection, asked.id) }
  }
  const unsealUnlessShared = async <Stored extends JsonRecord>(collection: string, document: Stored) =>
    isShared(document) ? document : await unsealJsonRecord(keys, collection, document)
  return {
    put: async (collection, document) =>
      await inner.put(collection, await sealUnlessShared(collection, document)),
    insert: async (collection, document) =>
      await inner.insert(collection, await sealUnlessShared(collection, document)),
    async get(asked) {
      const place = await storedKeyOf(asked)
      const document = place && (await inner.get(place))
      return document && (await unsealUnlessShared(asked.collection, document))
    },
    async delete(asked) {
      const place = await storedKeyOf(asked)
      return place !== undefined && (await inner.delete(place))
    },
    list: async query =>
      await unsealAll(await inner.list(query), document => unsealUnlessShared(query.collection, document)),
    count: query => inner.count(query),
    async search(asked) {
      if (isShared(asked)) return await inner.search(asked)
      const key = await keys.find(asked.person)
      const tokens = key ? blindTokensOfQuery(key, asked.query) : ''
      if (tokens === '') return []
      const found = await inner.search({ ...asked, query: tokens })
      return await unsealAll(found, document => unsealUnlessShared(asked.collection, document))
    },
  }
}
