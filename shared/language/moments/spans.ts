/** From where to where in a text, the end left out. */
export type Span = [start: number, end: number]

/** A text with spaces in place of a span, so that all else stays where it is. */
export const blankSpan = (text: string, [start, end]: Span): string =>
  text.slice(0, start) + ' '.repeat(end - start) + text.slice(end)

/** A text without the spans that were found in its plain form, which `plainly` makes of it or of a beginning of it. */
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

/** Where in the text its plain form has come to `head`: mostly near the same place, since little is changed. */
function findStart(text: string, head: string, normalise: (text: string) => string): number | undefined {
  const wanted = head.trimEnd()
  for (let distance = 0; distance <= Math.max(text.length, head.length); distance++)
    for (const at of [head.length + distance, head.length - distance])
      if (at >= 0 && at <= text.length && normalise(text.slice(0, at)).trimEnd() === wanted) return at
  return undefined
}

/** The last such place: "on the 5th" alone is the same day as "on the 5th of next month" may be. */
function findEnd(text: string, head: string, normalise: (text: string) => string): number | undefined {
  const wanted = head.trimEnd()
  for (let at = text.length; at >= 0; at--)
    if (!/\s/.test(text[at - 1] ?? '') && normalise(text.slice(0, at)).trimEnd() === wanted) return at
  return undefined
}

/** Where the first group of a pattern (with the flag `d`) stands in a text. */
export function matchGroup(form: RegExp, text: string): Span[] {
  const span = form.exec(text)?.indices?.[1]
  return span ? [[...span]] : []
}
