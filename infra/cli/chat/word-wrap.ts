import { isWideCharacter } from '../terminal.ts'

/** Breaks arriving text between words, so that no line is wider than the terminal. */
export type WordWrap = {
  /** Returns the text that can be written now, and holds the last word until its end is known. */
  push(text: string): string
  /** Returns the held word. */
  flush(): string
  /** Notes that the cursor is at the beginning of a line again. */
  startLine(): void
}

/**
 * Calls `columns` for each word, because a window can change its size. Undefined: the output is not a terminal, and no
 * line is broken.
 */
export function createWordWrap(columns: () => number | undefined): WordWrap {
  let column = 0
  let word = ''
  let wordWidth = 0
  let space = ''

  const placeWord = (limit: number): string => {
    const isTooWide = column > 0 && column + space.length + wordWidth > limit
    const text = (isTooWide ? '\n' : space) + word
    column = (isTooWide ? 0 : column + space.length) + wordWidth
    word = ''
    wordWidth = 0
    space = ''
    return text
  }
  const pushCharacter = (character: string, limit: number): string => {
    if (character === '\n') {
      const text = `${placeWord(limit)}\n`
      column = 0
      return text
    }
    if (character === ' ') {
      const text = word === '' ? '' : placeWord(limit)
      space += ' '
      return text
    }
    // Chinese and Japanese allow a break between any two characters.
    const isWide = isWideCharacter(character)
    const before = isWide && word !== '' ? placeWord(limit) : ''
    word += character
    wordWidth += isWide ? 2 : 1
    return isWide ? before + placeWord(limit) : before
  }
  return {
    push(text) {
      const limit = columns()
      if (limit === undefined) return text
      return [...text].map(character => pushCharacter(character, limit)).join('')
    },
    flush() {
      const limit = columns()
      return limit === undefined || (word === '' && space === '') ? '' : placeWord(limit)
    },
    startLine() {
      column = 0
      word = ''
      wordWidth = 0
      space = ''
    },
  }
}
