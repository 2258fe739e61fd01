import type { WordLanguage } from './pack.ts'

const WORD = /[\p{Script=Latin}\p{N}][\p{Script=Latin}\p{N}\p{M}']*/gu

/** The words of a text that carry meaning, in lower case and in one spelling. */
export function plainContentWordsBy(rules: WordLanguage, text: string): string[] {
  const plain = text.normalize('NFKC').toLowerCase().replaceAll('’', "'")
  return ((rules.normaliseSpelling?.(plain) ?? plain).match(WORD) ?? []).filter(
    word => !rules.stopWords.has(word),
  )
}

/** The distinct stems of these words. */
export const contentWordsBy = (rules: WordLanguage, text: string): string[] => [
  ...new Set(plainContentWordsBy(rules, text).map(rules.stem)),
]
