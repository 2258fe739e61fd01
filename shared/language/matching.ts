import { packsReading } from './detection.ts'
import { contentTokens } from './words.ts'

/** Finds an item that a person names by a few of its words. */

/** Below this share of matching words, the item is unlikely to be the one meant. */
const MIN_MATCH_SHARE = 0.6

/** `isSure`: the best items contain all words of the query. */
export type Matches<Item> = { items: Item[]; isSure: boolean }

/**
 * The items that match the words best; several if they match alike. Empty if no item contains most of the words, or if
 * no word carries meaning. `language`: the tag of the conversation's language.
 */
export function bestMatches<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  words: string,
  language?: string,
): Matches<Item> {
  // Both sides use the same packs, so that stems of the same algorithm are compared.
  const readers = packsReading(words, language)
  const queryTokens = contentTokens(words, readers)
  if (queryTokens.length === 0) return { items: [], isSure: false }
  const scored = items.map(item => {
    const itemTokens = new Set(contentTokens(textOf(item), readers))
    return { item, share: queryTokens.filter(token => itemTokens.has(token)).length / queryTokens.length }
  })
  const best = Math.max(MIN_MATCH_SHARE, ...scored.map(({ share }) => share))
  return { items: scored.filter(({ share }) => share >= best).map(({ item }) => item), isSure: best === 1 }
}
