/**
 * Turns chunks at offsets, where an earlier offset means that the text was begun anew from there, into text that can
 * only grow: what was sent is never taken back, and what does not agree with it is never sent.
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
    /** What can be sent now, often nothing. A chunk beyond what is known, after a gap, is left to the end. */
    add({ offset, text }: { offset: number; text: string }): string {
      if (offset > current.length) return ''
      current = current.slice(0, offset) + text
      return advanceTo(current)
    },
    /** The rest of the whole text, or undefined when something else was sent already. */
    finish: (text: string): string | undefined =>
      text.startsWith(sent) ? text.slice(sent.length) : undefined,
  }
}
