const CJK = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]/gu

/** The words of a text in their order: letters, marks and digits in lower case, full-width as ordinary; Chinese and Japanese by character. */
const tokenize = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(CJK, ' $& ')
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/** A text as the word index takes it, so that its tokenizer finds the same words as a question has. */
export const segment = (text: string): string => tokenize(text).join(' ')

/** The words of a text, each once. */
export const uniqueWords = (text: string): string[] => [...new Set(tokenize(text))]
