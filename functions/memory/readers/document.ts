import * as z from 'zod'
/** The kinds of documents that can be read. */
export const documentKindSchema = z.enum(['pdf', 'html', 'markdown', 'text'])
export type DocumentKind = z.infer<typeof documentKindSchema>

/** A location in a document: a page, from 1 on; the heading above the text; or a line, from 1 on. */
export const documentLocationSchema = z.object({
  page: z.int().optional(),
  section: z.string().optional(),
  line: z.int().optional(),
})
export type DocumentLocation = z.infer<typeof documentLocationSchema>

/** The text of one location. Empty lines separate its paragraphs. */
export type DocumentPart = { place: DocumentLocation; text: string }

/** `count`: pages of a PDF, lines of a text, sections of the others. */
export type ParsedDocument = { parts: DocumentPart[]; count: number }

/** The reason why a document cannot be kept. */
export const documentProblemSchema = z.enum([
  /** It opens only with a password. */
  'encrypted',
  /** It takes too much time, memory or text. */
  'too-large',
  /** It does not match its name, or is damaged. */
  'broken',
  /** It contains no text, like a scan of pages. */
  'empty',
  /** Its kind cannot be read. */
  'unknown',
  /** Its bytes no longer exist. */
  'gone',
])
export type DocumentProblem = z.infer<typeof documentProblemSchema>

/** Thrown when a document cannot be read. */
export class UnreadableDocumentError extends Error {
  readonly problem: DocumentProblem
  constructor(problem: DocumentProblem, cause?: unknown) {
    super(`the document cannot be read: ${problem}`, { cause })
    this.problem = problem
  }
}

/** More than a long book has. A longer document would make every search slow. */
export const MAX_CHARACTERS = 1_500_000
export const MAX_PAGES = 3_000

const KIND_BY_MEDIA_TYPE: Readonly<Record<string, DocumentKind>> = {
  'application/pdf': 'pdf',
  'application/x-pdf': 'pdf',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/markdown': 'markdown',
  'text/x-markdown': 'markdown',
  'text/plain': 'text',
}
const KIND_BY_EXTENSION: readonly [RegExp, DocumentKind][] = [
  [/\.pdf$/i, 'pdf'],
  [/\.x?html?$/i, 'html'],
  [/\.(?:md|markdown)$/i, 'markdown'],
  [/\.te?xt$/i, 'text'],
]

/**
 * The kind of an attachment, by its name first, since browsers call Markdown plain text. Undefined for pictures and
 * other files.
 */
export function documentKindOf({
  name,
  mediaType,
}: {
  name: string
  mediaType: string
}): DocumentKind | undefined {
  return (
    KIND_BY_EXTENSION.find(([form]) => form.test(name))?.[1] ??
    KIND_BY_MEDIA_TYPE[mediaType.split(';')[0]!.trim().toLowerCase()]
  )
}

/** Rejects a text that is too long to be searched. Errors: `UnreadableDocumentError`. */
export function requireMaxLength(text: string): string {
  if (text.length > MAX_CHARACTERS) throw new UnreadableDocumentError('too-large')
  return text
}

/** Reduces whitespace to what people see, and removes control and invisible characters. */
export const normaliseText = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]|[\u00ad\u200b\u202a-\u202e\u2066-\u2069\ufeff]/gu, '')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()

/** Rejects a document without text, or with more text than memory keeps. */
export function requireReadableText(document: ParsedDocument): ParsedDocument {
  const parts = document.parts
    .map(({ place, text }) => ({ place, text: normaliseText(text) }))
    .filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
  if (parts.length === 0) throw new UnreadableDocumentError('empty')
  if (parts.reduce((sum, { text }) => sum + text.length, 0) > MAX_CHARACTERS)
    throw new UnreadableDocumentError('too-large')
  return { ...document, parts }
}
