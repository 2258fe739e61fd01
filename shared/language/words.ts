import type { LanguagePack, WordLanguage } from './pack.ts'
import { contentWordsBy, plainContentWordsBy } from './word-stems.ts'

/** The words of a text that carry meaning, by the packs that read it (`packsReading`). */

type Readers = readonly LanguagePack[]

/** The rules for words between spaces: those of the last pack, because packs for other scripts come first. */
const wordRules = (readers: Readers): WordLanguage => readers.at(-1)!.words

/** Words in lower case, without stop words, in one spelling. */
export const plainContentWords = (text: string, readers: Readers): string[] =>
  plainContentWordsBy(wordRules(readers), text)

/** The distinct stems of these words. */
export const contentWords = (text: string, readers: Readers): string[] =>
  contentWordsBy(wordRules(readers), text)

/** For scripts without spaces: the characters that carry meaning, in their order. */
export const contentCharacters = (text: string, readers: Readers): string =>
  readers.map(({ words }) => words.contentCharacters?.(text) ?? '').join('')

/** Words as stems, and characters one by one. */
export const contentTokens = (text: string, readers: Readers): string[] => [
  ...new Set([...contentWords(text, readers), ...contentCharacters(text, readers)]),
]
