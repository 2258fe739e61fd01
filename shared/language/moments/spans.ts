/** A range of a text; the end is exclusive. */
export type Span = [start: number, end: number]

/** Replaces a span with spaces, so that the rest of the text keeps its positions. */
export const blankSpan = (text: string, [start, end]: Span): string =>
  text.slice(0, start) + ' '.repeat(end - start) + text.slice(end)

/**
 * Removes spans that were found in the normalised form of a text. `normalise` makes that form of the text, or of a
 * beginning of it.
 */
export function removeSpans(
  text: string,
  normalised: string,
  normalise: (text: string) => string,
  spans: Span[],
): string {
  let rest = ''
  let at = 0
  for (const [start, end] of spans.toSorted((a, b) => a[0] - b[0])) {
    const from = findStart(text, normalised.slice(0, start), normalise)
    const to = findEnd(text, normalised.slice(0, end), normalise)
    if (from === undefined || to === undefined || from < at) continue
    rest += `${text.slice(at, from)} `
    at = to
  }
  return (rest + text.slice(at)).replace(/\s+/g, ' ').trim()
}

/**
 * The position in the text whose normalised beginning is `head`. It is mostly near the same position, since normalising
 * changes little.
 */
function findStart(text: string, head: string, normalise: (text: string) => string): number | undefined {
  const wanted = head.trimEnd()
  for (let distance = 0; distance <= Math.max(text.length, head.length); distance++)
    for (const at of [head.length + distance, head.length - distance])
      if (at >= 0 && at <= text.length && normalise(text.slice(0, at)).trimEnd() === wanted) return at
  return undefined
}

/** The last such position: "on the 5th" alone may be the same day as "on the 5th of next month". */
function findEnd(text: string, head: string, normalise: (text: string) => string): number | undefined {
  const wanted = head.trimEnd()
  for (let at = text.length; at >= 0; at--)
    if (!/\s/.test(text[at - 1] ?? '') && normalise(text.slice(0, at)).trimEnd() === wanted) return at
  return undefined
}

/** The span of the first group of a pattern (with the flag `d`) in a text. */
export function matchGroup(form: RegExp, text: string): Span[] {
  const span = form.exec(text)?.indices?.[1]
  return span ? [[...span]] : []
}
