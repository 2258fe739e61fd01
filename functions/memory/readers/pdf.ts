import {
  type DocumentPart,
  MAX_CHARACTERS,
  MAX_PAGES,
  type ParsedDocument,
  requireReadableText,
  UnreadableDocumentError,
} from './document.ts'

/** Reads the text of a PDF by pages. It does not run, fetch or draw anything from it. */
export async function readPdf(bytes: Uint8Array): Promise<ParsedDocument> {
  const { getDocument, VerbosityLevel } = await import('unpdf/pdfjs')
  const loading = getDocument({
    data: bytes,
    verbosity: VerbosityLevel.ERRORS,
    disableFontFace: true,
    useSystemFonts: false,
    enableXfa: false,
    stopAtErrors: false,
  })
  try {
    const document = await loading.promise
    if (document.numPages > MAX_PAGES) throw new UnreadableDocumentError('too-large')
    const parts: DocumentPart[] = []
    let characters = 0
    for (let page = 1; page <= document.numPages; page++) {
      const text = await pageText(await document.getPage(page))
      characters += text.length
      if (characters > MAX_CHARACTERS) throw new UnreadableDocumentError('too-large')
      parts.push({ place: { page }, text })
    }
    return requireReadableText({ parts, count: document.numPages })
  } catch (error) {
    if (error instanceof UnreadableDocumentError) throw error
    throw new UnreadableDocumentError(
      (error as Error).name === 'PasswordException' ? 'encrypted' : 'broken',
      error,
    )
  } finally {
    await loading.destroy()
  }
}

type TextItem = { str: string; hasEOL: boolean; transform: number[]; height: number }
type PdfPage = { getTextContent(): Promise<{ items: unknown[] }>; cleanup(): unknown }

/** The least gap between two paragraphs, in line heights. */
const PARAGRAPH_GAP = 1.8

async function pageText(page: PdfPage): Promise<string> {
  const { items } = await page.getTextContent()
  let text = ''
  let last: { y: number; height: number } | undefined
  for (const item of items.filter(isTextItem)) {
    const y = item.transform[5] ?? 0
    const height = item.height || last?.height || 10
    if (item.str.trim() !== '') {
      if (last && Math.abs(last.y - y) > PARAGRAPH_GAP * Math.max(height, last.height)) text += '\n\n'
      last = { y, height }
    }
    text += item.str
    if (item.hasEOL) text += '\n'
  }
  page.cleanup()
  return joinParagraphLines(text)
}

const isTextItem = (item: unknown): item is TextItem => typeof (item as TextItem).str === 'string'

/** Joins the lines of a paragraph, because the breaks come from the page's width alone. */
const joinParagraphLines = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map(paragraph =>
      paragraph
        .trim()
        .replace(/(?<=\p{Ll})[-\u00ad]\n(?=\p{Ll})/gu, '')
        .replace(/(?<=[\p{Script=Han}，。；：？！、])\n(?=\p{Script=Han})/gu, '')
        .replaceAll('\n', ' '),
    )
    .join('\n\n')
