import { Worker } from 'node:worker_threads'
import type { PassageDraft } from './chunks.ts'
import type { DocumentKind, DocumentProblem } from './document.ts'

/** A document cut into passages, or why it cannot be. `reason` is for the log. */
export type ReadOutcome =
  | { pieces: PassageDraft[]; count: number }
  | { problem: DocumentProblem; reason: string }

/** What reading may take: a document that unpacks into more is given up. */
const MAX_MEMORY_BYTES = 220 * 1024 * 1024
const MAX_HEAP_MB = 160
const MEMORY_CHECK_INTERVAL_MS = 20

/** Beside this file; in an image, beside the bundle's file that this is part of. */
const workerUrl = new URL(`worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)

/**
 * Reads a document in a thread of its own: what makes it hang, or fills the memory, ends with the thread. `bytes` are given
 * away. Errors: the signal's reason.
 */
export async function readInSandbox(
  bytes: Uint8Array,
  kind: DocumentKind,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
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
  const outcome = Promise.withResolvers<ReadOutcome>()
  const tooLarge = (reason: string) => outcome.resolve({ problem: 'too-large', reason })
  const timer = setTimeout(() => tooLarge(`it was not read within ${timeoutMs} ms`), timeoutMs)
  const memoryCheck = startMemoryCheck(thread, () => tooLarge('reading it takes too much memory'))
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
    memoryCheck.stop()
    signal.removeEventListener('abort', onAbort)
    await thread.terminate()
  }
}

/** The heap of one thread and what it has outside of it, as the bytes that a file unpacks to: other threads may read meanwhile. */
function startMemoryCheck(thread: Worker, onTooLarge: () => void) {
  const initialRss = process.memoryUsage.rss()
  let isAsking = false
  const check = async () => {
    // The process's memory is cheap to read, and says whether the question is worth asking.
    if (isAsking || process.memoryUsage.rss() - initialRss <= MAX_MEMORY_BYTES) return
    isAsking = true
    const usage = await thread.getHeapStatistics().catch(() => undefined)
    isAsking = false
    if (usage && usage.total_heap_size + usage.external_memory > MAX_MEMORY_BYTES / 2) onTooLarge()
  }
  const timer = setInterval(() => void check(), MEMORY_CHECK_INTERVAL_MS)
  return { stop: () => clearInterval(timer) }
}
