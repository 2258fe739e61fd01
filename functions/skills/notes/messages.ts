const MAX_LISTED = 20
const MAX_LINE_LENGTH = 300

/** A note in one line. */
const toOneLine = (text: string): string => {
  const single = text.replace(/\s+/g, ' ')
  return single.length > MAX_LINE_LENGTH ? `${single.slice(0, MAX_LINE_LENGTH)}…` : single
}

export const bulletList = (notes: string[], bullet = (_: number): string => '-'): string =>
  notes
    .slice(0, MAX_LISTED)
    .map((text, at) => `${bullet(at)} ${toOneLine(text)}`)
    .join('\n')

/** Numbers the notes, so that a number can answer the question. */
export const numberedList = (notes: string[]): string => bulletList(notes, at => `${at + 1}.`)

export const NOTES_PER_LIST = MAX_LISTED
