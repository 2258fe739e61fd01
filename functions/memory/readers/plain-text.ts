import { checked, type Part, type Read, within } from './document.ts'
import { charactersOf } from './text-decoding.ts'

/** A text: each paragraph with the line that it begins on. */
export function readText(bytes: Uint8Array): Read {
  const lines = within(charactersOf(bytes)).replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')
  const parts: Part[] = []
  let begun: { line: number; lines: string[] } | undefined
  const end = () => {
    if (begun) parts.push({ place: { line: begun.line }, text: begun.lines.join('\n') })
    begun = undefined
  }
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') end()
    else if (begun) begun.lines.push(line)
    else begun = { line: index + 1, lines: [line] }
  }
  end()
  return checked({ parts, count: lines.length })
}
