/** A text without the words around it that say nothing, however the patterns follow one another. */
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
