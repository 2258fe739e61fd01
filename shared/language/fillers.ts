/** A text without the filler words at its ends, in whatever order the patterns match. */
export function strip(text: string, leading: readonly RegExp[], trailing: readonly RegExp[]): string {
  let before: string
  let rest = text
  do {
    before = rest
    for (const form of leading) rest = rest.replace(form, '')
    for (const form of trailing) rest = rest.replace(form, '')
    rest = rest.trim()
  } while (rest !== before)
  return rest
}
