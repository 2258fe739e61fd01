import { parentPort, workerData } from 'node:worker_threads'
import { passagesOf } from './chunks.ts'
import { type Kind, type Problem, type Read, Unreadable } from './document.ts'

/** What the thread of `apart.ts` does: reads one document, says what it found, and ends. The readers are loaded here alone. */
const readers: Record<Kind, (bytes: Uint8Array) => Promise<Read>> = {
  pdf: async bytes => await (await import('./pdf.ts')).readPdf(bytes),
  html: async bytes => (await import('./html.ts')).readHtml(bytes),
  markdown: async bytes => (await import('./markdown.ts')).readMarkdown(bytes),
  text: async bytes => (await import('./plain-text.ts')).readText(bytes),
}

const { bytes, kind } = workerData as { bytes: Uint8Array; kind: Kind }

try {
  const { parts, count } = await readers[kind](bytes)
  parentPort!.postMessage({ pieces: passagesOf(parts), count })
} catch (error) {
  parentPort!.postMessage({
    problem: problemOf(error),
    reason: String((error as Error).cause ?? error),
  })
}

/** A text that a parser cannot get through for its depth is none that people read. */
function problemOf(error: unknown): Problem {
  if (error instanceof Unreadable) return error.problem
  return error instanceof RangeError ? 'too-large' : 'broken'
}
