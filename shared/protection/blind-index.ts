import { createHmac } from 'node:crypto'
import { countTerms } from '../store/search-terms.ts'
import type { DataKey } from './envelope.ts'

/** The most terms that a driver searches for. */
const MAX_QUERY_TERMS = 256
const TOKEN_BYTES = 6

/**
 * A word in a person's index: a keyed digest as a number, which every driver's tokenizer keeps. Two people's tokens for
 * one word have nothing in common. One index shows how often a word occurs, but not which word it is.
 */
const blindToken = ({ blindIndex }: DataKey, term: string): string =>
  createHmac('sha256', blindIndex).update(term).digest().readUIntBE(0, TOKEN_BYTES).toString()

/** The text that a driver indexes: one token for each occurrence of a word. */
export const blindTokensOfText = (key: DataKey, text: string): string =>
  [...countTerms(text)].flatMap(([term, count]) => Array<string>(count).fill(blindToken(key, term))).join(' ')

export const blindTokensOfQuery = (key: DataKey, query: string): string =>
  [...countTerms(query).keys()]
    .slice(0, MAX_QUERY_TERMS)
    .map(term => blindToken(key, term))
    .join(' ')

/** The stored form of an id: a plain id may reveal the content that it was derived from. */
export const blindId = ({ blindIndex }: DataKey, collection: string, id: string): string =>
  createHmac('sha256', blindIndex)
    .update(JSON.stringify(['id', collection, id]))
    .digest('base64url')
