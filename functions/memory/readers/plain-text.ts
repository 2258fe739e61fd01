import { type DocumentPart, type ParsedDocument, requireMaxLength, requireReadableText } from './document.ts'
import { decodeText } from './text-decoding.ts'

/** Reads a plain text: each paragraph with the line on which it begins. */
export function readText(bytes: Uint8Array): ParsedDocument {
  const lines = requireMaxLength(decodeText(bytes)).replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')
  const parts: DocumentPart[] = []
  let paragraph: { line: number; lines: string[] } | undefined
  const endParagraph = () => {
    if (paragraph) parts.push({ place: { line: paragraph.line }, text: paragraph.lines.join('\n') })
    paragraph = undefined
  }
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') endParagraph()
    else if (paragraph) paragraph.lines.push(line)
    else paragraph = { line: index + 1, lines: [line] }
  }
  endParagraph()
  return requireReadableText({ parts, count: lines.length })
}
