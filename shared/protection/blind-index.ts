import { createHmac } from 'node:crypto'
import { terms } from '../store/search-terms.ts'
import type { DataKey } from './envelope.ts'

/** As many as a driver looks for. */
const MAX_ASKED = 256
const MARK_BYTES = 6

/**
 * A word as a person's index knows it: a keyed digest of it, as a number, which no driver's tokenizer changes. Two people's
 * marks of one word have nothing in common; within one index it shows how often the same word comes, and not which.
 */
const markOf = ({ words }: DataKey, term: string): string =>
  createHmac('sha256', words).update(term).digest().readUIntBE(0, MARK_BYTES).toString()

/** What a driver indexes instead of a text: the mark of each word, as often as the word is there. */
export const marksOfText = (key: DataKey, text: string): string =>
  [...terms(text)].flatMap(([term, count]) => Array<string>(count).fill(markOf(key, term))).join(' ')

export const marksOfQuery = (key: DataKey, query: string): string =>
  [...terms(query).keys()]
    .slice(0, MAX_ASKED)
    .map(term => markOf(key, term))
    .join(' ')

/** Where something is kept that is named by an id: ids may tell of the content that they were made of. */
export const blindId = ({ words }: DataKey, collection: string, id: string): string =>
  createHmac('sha256', words)
    .update(JSON.stringify(['id', collection, id]))
    .digest('base64url')
