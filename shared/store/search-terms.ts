import { stemmer } from 'stemmer'
import { segment } from './segmentation.ts'

/** Marks on Latin letters only; in other scripts they carry the vowel. */
const LATIN_MARKS = /(\p{Script=Latin})\p{M}+/gu
/** FTS5's Porter stemmer leaves shorter and longer words as they are: https://sqlite.org/fts5.html#porter_tokenizer */
const STEMMABLE = /^.{3,64}$/u
/** Words are keys of an index, whose entries are bounded. */
const MAX_LENGTH = 128

/**
 * How often a text has each of its words, in the form that the SQLite driver's index (FTS5, porter unicode61) would give
 * them: without the accents of Latin letters, and by their English stem.
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
