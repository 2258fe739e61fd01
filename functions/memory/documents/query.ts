import { bigrams } from '#shared/knowledge/tokens.ts'
import { packsReading } from '#shared/language/detection.ts'
import { containsHan } from '#shared/language/script.ts'
import { contentCharacters, contentWords } from '#shared/language/words.ts'
import { nameWithoutExtension } from './document-requests.ts'
import type { StoredDocument } from './store.ts'

const MAX_LENGTH = 1_000

export const isQuestion = (text: string, language?: string): boolean =>
  text.length <= MAX_LENGTH &&
  (/[?？]\s*$/.test(text) ||
    packsReading(text, language).some(({ documents }) => documents.question.test(text.trim())))

/** Whether a text asks for the content of a document as a whole. */
export const asksForSummary = (text: string, language?: string): boolean =>
  packsReading(text, language).some(({ documents }) =>
    documents.summaryRequest.test(text.trim().replaceAll('’', "'")),
  )

/** The documents that a text names. */
export function documentsNamedIn(all: readonly StoredDocument[], text: string): StoredDocument[] {
  const normalisedText = ` ${normaliseName(text)} `
  return all.filter(({ name }) => {
    if (normalisedText.includes(normaliseName(name))) return true
    const stem = normaliseName(nameWithoutExtension(name))
    if (containsHan(stem)) return stem.length >= 2 && normalisedText.includes(stem)
    return stem.length >= 4 && normalisedText.includes(` ${stem} `)
  })
}

const normaliseName = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.,;:!?"'“”‘’()《》「」。，；：？！、-]+/gu, ' ')
    .trim()

/**
 * The terms that an answering passage must contain: stems of words, and neighbouring characters of a script without
 * spaces.
 */
export type QueryTerms = { words: string[]; characters: string[]; readers: Readers }
type Readers = ReturnType<typeof packsReading>

export function queryTermsOf(
  question: string,
  documents: readonly StoredDocument[],
  language?: string,
): QueryTerms {
  const readers = packsReading(question, language)
  const unnamed = documents
    .flatMap(({ name }) => [name, nameWithoutExtension(name)])
    .reduce(removeName, question)
  const text = readers.reduce((rest, pack) => rest.replace(pack.documents.questionPhrases, ' '), unnamed)
  const asking = new Set(
    readers.flatMap(pack => contentWords(pack.documents.questionWords.join(' '), readers)),
  )
  const words = contentWords(text, readers).filter(word => !asking.has(word))
  return { words, characters: bigrams(contentCharacters(text, readers)), readers }
}

export const countTerms = ({ words, characters }: QueryTerms): number => words.length + characters.length

function removeName(text: string, name: string): string {
  const at = text.toLowerCase().indexOf(name.toLowerCase())
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + name.length)}`
}

/** The number of query terms that a text contains. */
export function countMatches(
  { words: wanted, characters: pairs, readers }: QueryTerms,
  text: string,
): number {
  const words = contentWords(text, readers)
  const characters = contentCharacters(text, readers)
  const { suffix } = readers.at(-1)!.words
  return (
    wanted.filter(one => words.some(word => isSameWord(one, word, suffix))).length +
    pairs.filter(pair => characters.includes(pair)).length
  )
}

/** Whether one word is the other with a suffix: "pay" is in "payable" and "payment". */
function isSameWord(a: string, b: string, suffix: RegExp): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  return (
    short === long || (short.length >= 3 && long.startsWith(short) && suffix.test(long.slice(short.length)))
  )
}
