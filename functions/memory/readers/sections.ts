import type { DocumentPart } from './document.ts'

const MAX_HEADING = 120

/** Collects text that arrives in pieces, under headings. Text before the first heading has no heading. */
export function createSectionBuilder() {
  const all: { heading: string; pieces: string[] }[] = [{ heading: '', pieces: [] }]
  return {
    begin(heading: string): void {
      all.push({ heading: heading.replace(/\s+/g, ' ').trim().slice(0, MAX_HEADING).trim(), pieces: [] })
    },
    add(text: string): void {
      all.at(-1)!.pieces.push(text)
    },
    /** A heading without a text of its own becomes a text too. */
    parts(): DocumentPart[] {
      return all
        .map(({ heading, pieces }) => ({ heading, text: pieces.join('') }))
        .filter(({ heading, text }) => heading !== '' || text.trim() !== '')
        .map(({ heading, text }) => ({
          place: (heading === '' ? {} : { section: heading }) as DocumentPart['place'],
          text: text.trim() === '' ? heading : text,
        }))
    },
    count: (): number => Math.max(1, all.filter(({ heading }) => heading !== '').length),
  }
}
