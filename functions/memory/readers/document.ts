import * as z from 'zod'
/** What a document is, as far as it can be read. */
export const documentKindSchema = z.enum(['pdf', 'html', 'markdown', 'text'])
export type DocumentKind = z.infer<typeof documentKindSchema>

/** Where in a document something stands: a page, from 1 on; the heading it stands under; or a line, from 1 on. */
export const documentLocationSchema = z.object({
  page: z.int().optional(),
  section: z.string().optional(),
  line: z.int().optional(),
})
export type DocumentLocation = z.infer<typeof documentLocationSchema>

/** Text of one place, its paragraphs parted by empty lines. */
export type DocumentPart = { place: DocumentLocation; text: string }

/** `count`: pages of a PDF, lines of a text, sections of the others. */
export type ParsedDocument = { parts: DocumentPart[]; count: number }

/** Why a document cannot be kept. */
export const documentProblemSchema = z.enum([
  /** It opens with a password alone. */
  'encrypted',
  /** It takes too much time, memory or text. */
  'too-large',
  /** It is not what its name says, or is damaged. */
  'broken',
  /** There is no text in it, as in pictures of pages. */
  'empty',
  /** Of another kind than can be read. */
  'unknown',
  /** Its bytes are not there any more. */
  'gone',
])
export type DocumentProblem = z.infer<typeof documentProblemSchema>

/** Thrown where a document cannot be read. */
export class UnreadableDocumentError extends Error {
  readonly problem: DocumentProblem
  constructor(problem: DocumentProblem, cause?: unknown) {
    super(`the document cannot be read: ${problem}`, { cause })
    this.problem = problem
  }
}

/** More than a long book has; what is beyond would make every search slow. */
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

/** What an attachment can be read as, by its name first, since browsers call Markdown plain text; undefined for pictures and the like. */
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

/** A text that is not too long to be looked through. Errors: `Unreadable`. */
export function requireMaxLength(text: string): string {
  if (text.length > MAX_CHARACTERS) throw new UnreadableDocumentError('too-large')
  return text
}

/** Spaces as people see them; nothing that is no character of a text. */
export const normaliseText = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]|[\u00ad\u200b\u202a-\u202e\u2066-\u2069\ufeff]/gu, '')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()

/** Refuses what has no text, or more of it than is kept. */
export function requireReadableText(document: ParsedDocument): ParsedDocument {
  const parts = document.parts
    .map(({ place, text }) => ({ place, text: normaliseText(text) }))
    .filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
  if (parts.length === 0) throw new UnreadableDocumentError('empty')
  if (parts.reduce((sum, { text }) => sum + text.length, 0) > MAX_CHARACTERS)
    throw new UnreadableDocumentError('too-large')
  return { ...document, parts }
}
