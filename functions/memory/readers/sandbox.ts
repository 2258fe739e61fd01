import { Worker } from 'node:worker_threads'
import type { PassageDraft } from './chunks.ts'
import type { DocumentKind, DocumentProblem } from './document.ts'

/** A document cut into passages, or why it cannot be. `reason` is for the log. */
export type ReadOutcome =
  | { pieces: PassageDraft[]; count: number }
  | { problem: DocumentProblem; reason: string }

/** What reading may take: a document that unpacks into more is given up. */
const MAX_MEMORY_GROWTH_BYTES = 220 * 1024 * 1024
const MAX_HEAP_MB = 160
const MEMORY_CHECK_INTERVAL_MS = 20

/** Beside this file; in an image, beside the bundle's file that this is part of. */
const workerUrl = new URL(`worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)

let lastRead: Promise<unknown> = Promise.resolve()

/**
 * Reads a document in a thread of its own, one at a time: what makes it hang, or fills the memory, ends with the thread.
 * `bytes` are given away. Who aborts gets the signal's reason.
 */
export function readInSandbox(
  bytes: Uint8Array,
  kind: DocumentKind,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ReadOutcome> {
  const read = lastRead.then(() => {
    signal.throwIfAborted()
    return runWorker(bytes, kind, timeoutMs, signal)
  })
  lastRead = read.catch(() => undefined)
  return read
}

async function runWorker(
  bytes: Uint8Array,
  kind: DocumentKind,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  // Its own bytes: a small buffer shares its memory with others.
  const ownBytes = new Uint8Array(bytes)
  const thread = new Worker(workerUrl, {
    workerData: { bytes: ownBytes, kind },
    transferList: [ownBytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    // What a library prints about a document is nobody's business.
    stdout: true,
    stderr: true,
  })
  const initialRss = process.memoryUsage.rss()
  const outcome = Promise.withResolvers<ReadOutcome>()
  const tooLarge = (reason: string) => outcome.resolve({ problem: 'too-large', reason })
  const timer = setTimeout(() => tooLarge(`it was not read within ${timeoutMs} ms`), timeoutMs)
  const memoryCheck = setInterval(() => {
    if (process.memoryUsage.rss() - initialRss > MAX_MEMORY_GROWTH_BYTES)
      tooLarge('reading it takes too much memory')
  }, MEMORY_CHECK_INTERVAL_MS)
  const onAbort = () => outcome.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  thread.once('message', outcome.resolve)
  thread.once('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') tooLarge(error.message)
    else outcome.resolve({ problem: 'broken', reason: String(error) })
  })
  thread.once('exit', () => outcome.resolve({ problem: 'broken', reason: 'it ended without a word' }))
  thread.stdout.resume()
  thread.stderr.resume()
  try {
    return await outcome.promise
  } finally {
    clearTimeout(timer)
    clearInterval(memoryCheck)
    signal.removeEventListener('abort', onAbort)
    await thread.terminate()
  }
}
