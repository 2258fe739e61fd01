import { createHmac } from 'node:crypto'
import { countTerms } from '../store/search-terms.ts'
import type { DataKey } from './envelope.ts'

/** As many as a driver looks for. */
const MAX_QUERY_TERMS = 256
const TOKEN_BYTES = 6

/**
 * A word as a person's index knows it: a keyed digest of it, as a number, which no driver's tokenizer changes. Two people's
 * marks of one word have nothing in common; within one index it shows how often the same word comes, and not which.
 */
const blindToken = ({ blindIndex }: DataKey, term: string): string =>
  createHmac('sha256', blindIndex).update(term).digest().readUIntBE(0, TOKEN_BYTES).toString()

/** What a driver indexes instead of a text: the mark of each word, as often as the word is there. */
export const blindTokensOfText = (key: DataKey, text: string): string =>
  [...countTerms(text)].flatMap(([term, count]) => Array<string>(count).fill(blindToken(key, term))).join(' ')

export const blindTokensOfQuery = (key: DataKey, query: string): string =>
  [...countTerms(query).keys()]
    .slice(0, MAX_QUERY_TERMS)
    .map(term => blindToken(key, term))
    .join(' ')

/** Where something is kept that is named by an id: ids may tell of the content that they were made of. */
export const blindId = ({ blindIndex }: DataKey, collection: string, id: string): string =>
  createHmac('sha256', blindIndex)
    .update(JSON.stringify(['id', collection, id]))
    .digest('base64url')
