/**
 * Turns chunks at offsets into text that only grows. A chunk at an earlier offset replaces the text from there on. The
 * function never takes back sent text, and never sends text that contradicts it.
 */
export function openDeltas() {
  let sent = ''
  let current = ''
  const advanceTo = (text: string): string => {
    if (text.length <= sent.length || !text.startsWith(sent)) return ''
    const delta = text.slice(sent.length)
    sent = text
    return delta
  }
  return {
    /** Returns the text to send now, often empty. A chunk that follows a gap is left to the end. */
    add({ offset, text }: { offset: number; text: string }): string {
      if (offset > current.length) return ''
      current = current.slice(0, offset) + text
      return advanceTo(current)
    },
    /** The rest of the whole text, or undefined when the sent text differs from it. */
    finish: (text: string): string | undefined =>
      text.startsWith(sent) ? text.slice(sent.length) : undefined,
  }
}
