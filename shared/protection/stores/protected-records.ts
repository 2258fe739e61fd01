import type { Document, DocumentKey, Documents } from '../../store/store.ts'
import { opened, openText, placeOf } from '../associated-data.ts'
import { blindId, marksOfQuery, marksOfText } from '../blind-index.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'

/** What is everybody's (an empty person) is no content of anybody, and stays as it is. */
const isEverybodys = ({ person }: Pick<Document, 'person'>): boolean => person === ''

const placeOfDocument = (collection: string, person: string, storedId: string) =>
  placeOf('document', collection, person, storedId)

/** The id, the text and the body are one envelope, kept as the body; the text that is indexed is marks of its words. */
export function sealDocument(key: DataKey, collection: string, document: Document): Document {
  const { id, text, body, person } = document
  const storedId = blindId(key, collection, id)
  const content = JSON.stringify({ id, text, body })
  return {
    ...document,
    id: storedId,
    text: marksOfText(key, text),
    body: sealText(key, placeOfDocument(collection, person, storedId), content),
  }
}

/** Undefined when its key was destroyed. */
export async function openDocument<Stored extends Document>(
  keys: Keys,
  collection: string,
  stored: Stored,
): Promise<Stored | undefined> {
  const content = await openText(keys, placeOfDocument(collection, stored.person, stored.id), stored.body)
  return content === undefined ? undefined : { ...stored, ...JSON.parse(content) }
}

/**
 * Documents whose content is encrypted and whose words are found all the same, by their marks. The collection, the person
 * and the time of making stay readable.
 */
export function protectedDocuments(inner: Documents, keys: Keys): Documents {
  const sealed = async (collection: string, document: Document) =>
    isEverybodys(document)
      ? document
      : sealDocument(await keys.ofKnown(document.person), collection, document)
  const stored = async (asked: DocumentKey): Promise<DocumentKey | undefined> => {
    if (isEverybodys(asked)) return asked
    const key = await keys.existing(asked.person)
    return key && { ...asked, id: blindId(key, asked.collection, asked.id) }
  }
  const open = async <Stored extends Document>(collection: string, document: Stored) =>
    isEverybodys(document) ? document : await openDocument(keys, collection, document)
  return {
    put: async (collection, document) => await inner.put(collection, await sealed(collection, document)),
    insert: async (collection, document) =>
      await inner.insert(collection, await sealed(collection, document)),
    async get(asked) {
      const place = await stored(asked)
      const document = place && (await inner.get(place))
      return document && (await open(asked.collection, document))
    },
    async delete(asked) {
      const place = await stored(asked)
      return place !== undefined && (await inner.delete(place))
    },
    list: async query => await opened(await inner.list(query), document => open(query.collection, document)),
    count: query => inner.count(query),
    async search(asked) {
      if (isEverybodys(asked)) return await inner.search(asked)
      const key = await keys.existing(asked.person)
      const marks = key ? marksOfQuery(key, asked.query) : ''
      if (marks === '') return []
      const found = await inner.search({ ...asked, query: marks })
      return await opened(found, document => open(asked.collection, document))
    },
  }
}
