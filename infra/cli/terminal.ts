import { stripVTControlCharacters, styleText } from 'node:util'

/** Colours only on terminals that show them, and not under NO_COLOR: `styleText` checks standard output. */
const textStyler =
  (format: Parameters<typeof styleText>[0]) =>
  (text: string): string =>
    styleText(format, text)

export const dim = textStyler('dim')
export const bold = textStyler('bold')
export const red = textStyler('red')
export const green = textStyler('green')
export const yellow = textStyler('yellow')

/** Removes control characters: texts of models and people must not control the terminal. */
export const stripControlCharacters = (text: string): string =>
  text.replace(/\p{Cc}/gu, character => (character === '\n' || character === '\t' ? character : ''))

export const print = (text = ''): void => void process.stdout.write(`${text}\n`)

/** Prints progress or an error, which must stay out of the output that programs read. */
export const printToStderr = (text: string): void => void process.stderr.write(`${text}\n`)

export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2))

/** Formats columns as wide as their widest cell, by code points. Colours do not count. */
export function formatColumns(rows: string[][]): string[] {
  const widthOf = (cell = '') => [...stripVTControlCharacters(cell)].length
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => widthOf(row[column]))))
  return rows.map(row =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** Formats as 120 ms, 2.4 s, 3 min, 2 h. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}

/** Formats as 120 ms, 2.4 s, 3 min 5 s, 2 h 10 min: for measurements, which need more than minutes. */
export function formatExactDuration(ms: number): string {
  if (ms < 60_000) return formatDuration(ms)
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min${withRest(seconds % 60, 's')}`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h${withRest(minutes % 60, 'min')}`
}

const withRest = (count: number, unit: string): string => (count === 0 ? '' : ` ${count} ${unit}`)

/** East Asian wide and fullwidth characters, and pictures, take two columns (Unicode Standard Annex 11). */
const WIDE_CHARACTER =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u

export const isWideCharacter = (character: string): boolean => WIDE_CHARACTER.test(character)

/** Cuts a text to one line of at most `width` terminal columns, with an ellipsis. */
export function truncate(text: string, width: number): string {
  const line = stripControlCharacters(text).replace(/\s+/g, ' ').trim()
  let usedColumns = 0
  let fitting = ''
  let fittingWithEllipsis = ''
  for (const character of line) {
    usedColumns += isWideCharacter(character) ? 2 : 1
    if (usedColumns > width) return `${fittingWithEllipsis}…`
    fitting += character
    if (usedColumns < width) fittingWithEllipsis = fitting
  }
  return fitting
}
