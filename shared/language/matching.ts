import { packsReading } from './detection.ts'
import { contentTokens } from './words.ts'

/** Finds what a person means by a few words of it. */

/** Below this part of the words, an item has little to do with what was meant. */
const MIN_MATCH_SHARE = 0.6

/** `isSure`: the best ones hold all that was said. */
export type Matches<Item> = { items: Item[]; isSure: boolean }

/**
 * The items that best match the words, all of them when they match alike; none when no item holds most of the words, or
 * when there are no words that mean something. `language`: the tag of the conversation's.
 */
export function bestMatches<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  words: string,
  language?: string,
): Matches<Item> {
  // The same packs for both sides: a stem is compared with a stem of the same making.
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
