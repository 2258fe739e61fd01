import { stemmer } from 'stemmer'
import { segment } from './segmentation.ts'

/** Only marks on Latin letters are removed: in other scripts they carry the vowel. */
const LATIN_MARKS = /(\p{Script=Latin})\p{M}+/gu
/** FTS5's Porter stemmer leaves shorter and longer words unchanged: https://sqlite.org/fts5.html#porter_tokenizer */
const STEMMABLE = /^.{3,64}$/u
/** Words are keys of an index with a maximum entry size. */
const MAX_LENGTH = 128

/**
 * Counts the words of a text in the form that the SQLite driver's index (FTS5, porter unicode61) gives them: without
 * the accents of Latin letters, and as English stems.
 */
export function countTerms(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of segment(text).split(' ')) {
    if (word === '') continue
    const term = toTerm(word)
    counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return counts
}

function toTerm(word: string): string {
  const plain = word.normalize('NFD').replace(LATIN_MARKS, '$1').normalize('NFC')
  const stem = STEMMABLE.test(plain) ? stemmer(plain) : plain
  return Array.from(stem).slice(0, MAX_LENGTH).join('')
}
