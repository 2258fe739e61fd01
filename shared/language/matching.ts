/** Finds what a person means by a few words of it. */

const STOP_WORDS = new Set(
  `a an the my our this that these those it its i me we you your to of for in on at by with and or about from is are
   was be one ones please`.split(/\s+/),
)
const WORD = /[\p{Script=Latin}\p{N}]+/gu
const HAN = /\p{Script=Han}/gu
const STOP_CHARACTERS = /[的了我你那这个条和在]/g

/** Words as stems; of Chinese, its characters. */
function tokenize(text: string): string[] {
  const plain = text.normalize('NFKC').toLowerCase()
  const words = (plain.match(WORD) ?? []).filter(word => !STOP_WORDS.has(word)).map(stem)
  return [...new Set([...words, ...(plain.replace(STOP_CHARACTERS, '').match(HAN) ?? [])])]
}

const stem = (word: string): string =>
  word.length > 4 ? word.replace(/(?:ies|ing|ed|es|s|y|e)$/, '') : word.replace(/(?<=..)s$/, '')

/** Below this part of the words, an item has little to do with what was meant. */
const MIN_MATCH_SHARE = 0.6

/** `isAnswer`: the best ones hold all that was said. */
export type Matches<Item> = { items: Item[]; isSure: boolean }

/**
 * The items that best match the words, all of them when they match alike; none when no item holds most of the words, or
 * when there are no words that mean something.
 */
export function bestMatches<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  words: string,
): Matches<Item> {
  const queryTokens = tokenize(words)
  if (queryTokens.length === 0) return { items: [], isSure: false }
  const scored = items.map(item => {
    const itemTokens = new Set(tokenize(textOf(item)))
    return { item, share: queryTokens.filter(token => itemTokens.has(token)).length / queryTokens.length }
  })
  const best = Math.max(MIN_MATCH_SHARE, ...scored.map(({ share }) => share))
  return { items: scored.filter(({ share }) => share >= best).map(({ item }) => item), isSure: best === 1 }
}
