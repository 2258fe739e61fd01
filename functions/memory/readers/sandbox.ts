import { Worker } from 'node:worker_threads'
import type { PassageDraft } from './chunks.ts'
import type { DocumentKind, DocumentProblem } from './document.ts'

/** A document split into passages, or the problem with it. `reason` is for the log. */
export type ReadOutcome =
  | { pieces: PassageDraft[]; count: number }
  | { problem: DocumentProblem; reason: string }

/** The memory limit for reading. The reader gives up on a document that unpacks into more. */
const MAX_MEMORY_BYTES = 220 * 1024 * 1024
const MAX_HEAP_MB = 160
const MEMORY_CHECK_INTERVAL_MS = 20

/** Beside this file. In an image, beside the bundle that contains this file. */
const workerUrl = new URL(`worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)

/**
 * Reads a document in a thread of its own, so that a hang or excessive use of memory ends with the thread. The caller
 * must not use `bytes` again. Errors: the signal's reason.
 */
export async function readInSandbox(
  bytes: Uint8Array,
  kind: DocumentKind,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ReadOutcome> {
  // A copy, because a small buffer shares its memory with other buffers.
  const ownBytes = new Uint8Array(bytes)
  const thread = new Worker(workerUrl, {
    workerData: { bytes: ownBytes, kind },
    transferList: [ownBytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    // Drops everything that a parser prints about the document.
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

/**
 * Checks the heap of one thread and its external memory, such as the unpacked bytes of a file. It does not count the
 * memory of other threads that read meanwhile.
 */
function startMemoryCheck(thread: Worker, onTooLarge: () => void) {
  const initialRss = process.memoryUsage.rss()
  let isAsking = false
  const check = async () => {
    // Reading the process's memory is cheap, so this check decides whether to ask the thread.
    if (isAsking || process.memoryUsage.rss() - initialRss <= MAX_MEMORY_BYTES) return
    isAsking = true
    const usage = await thread.getHeapStatistics().catch(() => undefined)
    isAsking = false
    if (usage && usage.total_heap_size + usage.external_memory > MAX_MEMORY_BYTES / 2) onTooLarge()
  }
  const timer = setInterval(() => void check(), MEMORY_CHECK_INTERVAL_MS)
  return { stop: () => clearInterval(timer) }
}
