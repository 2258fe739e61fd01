import { type DocumentLocation, type DocumentPart, UnreadableDocumentError } from './document.ts'

export type PassageDraft = { place: DocumentLocation; text: string }

/**
 * The most weight of one passage; a Chinese character counts double. The limit is well within the 512 tokens that an
 * embedding model reads.
 */
const MAX_PASSAGE_WEIGHT = 700
/** Shorter paragraphs of one place are merged. */
const MIN_PASSAGE_WEIGHT = 350
export const MAX_PASSAGES = 4_000

/**
 * Splits parts into passages. It merges short paragraphs and splits a long one into sentences. Errors:
 * `UnreadableDocumentError`.
 */
export function splitIntoPassages(parts: readonly DocumentPart[]): PassageDraft[] {
  const pieces = parts.flatMap(({ place, text }) =>
    mergeShortParagraphs(text.split(/\n{2,}/).flatMap(splitParagraph)).map(one => ({ place, text: one })),
  )
  const joined = mergeShortPassages(pieces)
  if (joined.length > MAX_PASSAGES) throw new UnreadableDocumentError('too-large')
  return joined
}

const weightOf = (text: string): number => text.length + (text.match(/\p{Script=Han}/gu)?.length ?? 0)

/** Merges neighbouring paragraphs while they are short. */
function mergeShortParagraphs(texts: string[]): string[] {
  const all: string[] = []
  let weight = 0
  for (const text of texts.map(one => one.trim()).filter(one => one !== '')) {
    const more = weightOf(text)
    if (all.length > 0 && weight < MIN_PASSAGE_WEIGHT && more < MIN_PASSAGE_WEIGHT) {
      all.push(`${all.pop()}\n\n${text}`)
      weight += more
    } else {
      all.push(text)
      weight = more
    }
  }
  return all
}

/** In a plain text each paragraph is a part of its own. A merged passage has the line of its first paragraph. */
function mergeShortPassages(pieces: PassageDraft[]): PassageDraft[] {
  const all: PassageDraft[] = []
  for (const piece of pieces) {
    const last = all.at(-1)
    const fits =
      last?.place.line !== undefined &&
      piece.place.line !== undefined &&
      weightOf(last.text) < MIN_PASSAGE_WEIGHT &&
      weightOf(piece.text) < MIN_PASSAGE_WEIGHT
    if (fits) all[all.length - 1] = { place: last.place, text: `${last.text}\n\n${piece.text}` }
    else all.push(piece)
  }
  return all
}

/** The sentences of a paragraph, with their punctuation. */
export const splitSentences = (text: string): string[] =>
  text.match(
    /[^.!?。！？；\n]+(?:[.!?]+(?=\S)[^.!?。！？；\n]+)*(?:[.!?]+(?=\s|$)|[。！？；]+[”’」』）]?|\n|$)/gu,
  ) ?? []

function splitParagraph(paragraph: string): string[] {
  if (weightOf(paragraph) <= MAX_PASSAGE_WEIGHT) return [paragraph]
  const all: string[] = []
  let current = ''
  let weight = 0
  for (const piece of splitSentences(paragraph).flatMap(splitLongSentence)) {
    const more = weightOf(piece)
    if (current !== '' && weight + more > MAX_PASSAGE_WEIGHT) {
      all.push(current)
      current = ''
      weight = 0
    }
    current += piece
    weight += more
  }
  return current === '' ? all : [...all, current]
}

/** Splits a sentence that is too long, between words where there are some. */
function splitLongSentence(sentence: string): string[] {
  if (weightOf(sentence) <= MAX_PASSAGE_WEIGHT) return [sentence]
  const all: string[] = []
  let piece = ''
  let weight = 0
  for (const token of sentence.match(/\s*[^\s\p{Script=Han}]{1,60}|\s*\p{Script=Han}|\s+/gu) ?? []) {
    const more = weightOf(token)
    if (weight + more > MAX_PASSAGE_WEIGHT) {
      all.push(piece)
      piece = ''
      weight = 0
    }
    piece += token
    weight += more
  }
  return [...all, piece]
}
