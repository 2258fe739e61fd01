import { matchGroup, type Span } from '../moments/spans.ts'
import type { ProperNameKind } from '../pack.ts'

const PROPER_NAME = String.raw`(\p{Lu}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*){0,3})`
const PREFIX_PATTERNS: Readonly<Record<ProperNameKind, RegExp>> = {
  place: new RegExp(String.raw`\b(?:in|at|near|to|from)\s+(?:the\s+)?${PROPER_NAME}`, 'du'),
  name: new RegExp(String.raw`\b(?:for|with|under|named|called|name(?: is|:)?)\s+${PROPER_NAME}`, 'du'),
}

/**
 * Finds names by compromise's lexicon and grammar, and unknown names by the words around them, as in "in Köln". The
 * library is loaded with the first text.
 */
export async function findProperNames(text: string, kind: ProperNameKind): Promise<Span[]> {
  const { default: read } = await import('compromise')
  const said = read(text)
  const found: { offset: { start: number; length: number } }[] = (
    kind === 'place' ? said.places() : said.people()
  ).json({ offset: true })
  const spans = found.map(({ offset: { start, length } }): Span => [start, start + length])
  return (spans.length > 0 ? spans : matchGroup(PREFIX_PATTERNS[kind], text)).map(span =>
    trimSpan(text, span),
  )
}

const LEADING_PUNCTUATION = /^[^\p{L}\p{N}]+/u
const TRAILING_PUNCTUATION = /(?:\s*['’]s)?[^\p{L}\p{N}]*$/u

/** A span without the punctuation and the possessive at its ends. */
function trimSpan(text: string, [start, end]: Span): Span {
  const said = text.slice(start, end)
  return [
    start + (LEADING_PUNCTUATION.exec(said)?.[0].length ?? 0),
    end - (TRAILING_PUNCTUATION.exec(said)?.[0].length ?? 0),
  ]
}
