import { parentPort, workerData } from 'node:worker_threads'
import { splitIntoPassages } from './chunks.ts'
import {
  type DocumentKind,
  type DocumentProblem,
  type ParsedDocument,
  UnreadableDocumentError,
} from './document.ts'

/**
 * The program of the sandbox's thread: reads one document, posts the result, and ends. Only this thread loads the
 * readers.
 */
const readers: Record<DocumentKind, (bytes: Uint8Array) => Promise<ParsedDocument>> = {
  pdf: async bytes => await (await import('./pdf.ts')).readPdf(bytes),
  html: async bytes => (await import('./html.ts')).readHtml(bytes),
  markdown: async bytes => (await import('./markdown.ts')).readMarkdown(bytes),
  text: async bytes => (await import('./plain-text.ts')).readText(bytes),
}

const { bytes, kind } = workerData as { bytes: Uint8Array; kind: DocumentKind }

try {
  const { parts, count } = await readers[kind](bytes)
  parentPort!.postMessage({ pieces: splitIntoPassages(parts), count })
} catch (error) {
  parentPort!.postMessage({
    problem: problemOf(error),
    reason: String((error as Error).cause ?? error),
  })
}

/** A text with more nesting than a parser can handle counts as too large, since people do not write such texts. */
function problemOf(error: unknown): DocumentProblem {
  if (error instanceof UnreadableDocumentError) return error.problem
  return error instanceof RangeError ? 'too-large' : 'broken'
}
