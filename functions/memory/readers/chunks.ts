import { type Part, type Place, Unreadable } from './document.ts'

export type Piece = { place: Place; text: string }

/** What one passage holds at most, where a Chinese character counts double: well within the 512 tokens that an embedding sees. */
const MAX_WEIGHT = 700
/** Shorter paragraphs of a place are put together. */
const ENOUGH = 350
export const MAX_PASSAGES = 4_000

/** Parts, cut into passages: paragraphs, several where they are short, and sentences of one that is long. Errors: `Unreadable`. */
export function passagesOf(parts: readonly Part[]): Piece[] {
  const pieces = parts.flatMap(({ place, text }) =>
    gathered(text.split(/\n{2,}/).flatMap(cut)).map(one => ({ place, text: one })),
  )
  const joined = joinedLines(pieces)
  if (joined.length > MAX_PASSAGES) throw new Unreadable('too-large')
  return joined
}

const weightOf = (text: string): number => text.length + (text.match(/\p{Script=Han}/gu)?.length ?? 0)

/** Neighbours, together as long as they are not much. */
function gathered(texts: string[]): string[] {
  const all: string[] = []
  let weight = 0
  for (const text of texts.map(one => one.trim()).filter(one => one !== '')) {
    const more = weightOf(text)
    if (all.length > 0 && weight < ENOUGH && more < ENOUGH) {
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
function joinedLines(pieces: Piece[]): Piece[] {
  const all: Piece[] = []
  for (const piece of pieces) {
    const last = all.at(-1)
    const fits =
      last?.place.line !== undefined &&
      piece.place.line !== undefined &&
      weightOf(last.text) < ENOUGH &&
      weightOf(piece.text) < ENOUGH
    if (fits) all[all.length - 1] = { place: last.place, text: `${last.text}\n\n${piece.text}` }
    else all.push(piece)
  }
  return all
}

/** Sentences of a paragraph, with what ends them. */
export const sentencesOf = (text: string): string[] =>
  text.match(
    /[^.!?。！？；\n]+(?:[.!?]+(?=\S)[^.!?。！？；\n]+)*(?:[.!?]+(?=\s|$)|[。！？；]+[”’」』）]?|\n|$)/gu,
  ) ?? []

function cut(paragraph: string): string[] {
  if (weightOf(paragraph) <= MAX_WEIGHT) return [paragraph]
  const all: string[] = []
  let current = ''
  let weight = 0
  for (const piece of sentencesOf(paragraph).flatMap(chopped)) {
    const more = weightOf(piece)
    if (current !== '' && weight + more > MAX_WEIGHT) {
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
function chopped(sentence: string): string[] {
  if (weightOf(sentence) <= MAX_WEIGHT) return [sentence]
  const all: string[] = []
  let piece = ''
  let weight = 0
  for (const token of sentence.match(/\s*[^\s\p{Script=Han}]{1,60}|\s*\p{Script=Han}|\s+/gu) ?? []) {
    const more = weightOf(token)
    if (weight + more > MAX_WEIGHT) {
      all.push(piece)
      piece = ''
      weight = 0
    }
    piece += token
    weight += more
  }
  return [...all, piece]
}
