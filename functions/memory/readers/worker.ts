import { parentPort, workerData } from 'node:worker_threads'
import { splitIntoPassages } from './chunks.ts'
import {
  type DocumentKind,
  type DocumentProblem,
  type ParsedDocument,
  UnreadableDocumentError,
} from './document.ts'

/** What the thread of `apart.ts` does: reads one document, says what it found, and ends. The readers are loaded here alone. */
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

/** A text that a parser cannot get through for its depth is none that people read. */
function problemOf(error: unknown): DocumentProblem {
  if (error instanceof UnreadableDocumentError) return error.problem
  return error instanceof RangeError ? 'too-large' : 'broken'
}
