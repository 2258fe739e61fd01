const CJK = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]/gu

/**
 * The words of a text in order: letters, marks and digits in lower case. Full-width characters become ordinary ones;
 * Chinese and Japanese are split by character.
 */
const tokenize = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(CJK, ' $& ')
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/** A text in the form that the word index takes, so that its tokenizer finds the words of a query. */
export const segment = (text: string): string => tokenize(text).join(' ')

/** The distinct words of a text. */
export const uniqueWords = (text: string): string[] => [...new Set(tokenize(text))]
