import { type DocumentLocation, type DocumentPart, UnreadableDocumentError } from './document.ts'

export type PassageDraft = { place: DocumentLocation; text: string }

/** What one passage holds at most, where a Chinese character counts double: well within the 512 tokens that an embedding sees. */
const MAX_PASSAGE_WEIGHT = 700
/** Shorter paragraphs of a place are put together. */
const MIN_PASSAGE_WEIGHT = 350
export const MAX_PASSAGES = 4_000

/** Parts, cut into passages: paragraphs, several where they are short, and sentences of one that is long. Errors: `Unreadable`. */
export function splitIntoPassages(parts: readonly DocumentPart[]): PassageDraft[] {
  const pieces = parts.flatMap(({ place, text }) =>
    mergeShortParagraphs(text.split(/\n{2,}/).flatMap(splitParagraph)).map(one => ({ place, text: one })),
  )
  const joined = mergeShortPassages(pieces)
  if (joined.length > MAX_PASSAGES) throw new UnreadableDocumentError('too-large')
  return joined
}

const weightOf = (text: string): number => text.length + (text.match(/\p{Script=Han}/gu)?.length ?? 0)

/** Neighbours, together as long as they are not much. */
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

/** Of a text each paragraph is a part; a passage is named after the line of its first. */
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

/** Sentences of a paragraph, with what ends them. */
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

/** What has no sentences is chopped, between words where there are some. */
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
