import { Worker } from 'node:worker_threads'
import type { Piece } from './chunks.ts'
import type { Kind, Problem } from './document.ts'

/** A document cut into passages, or why it cannot be. `reason` is for the log. */
export type Outcome = { pieces: Piece[]; count: number } | { problem: Problem; reason: string }

/** What reading may take: a document that unpacks into more is given up. */
const MAX_GROWTH_BYTES = 220 * 1024 * 1024
const MAX_HEAP_MB = 160
const LOOK_EVERY_MS = 20

/** Beside this file; in an image, beside the bundle's file that this is part of. */
const worker = new URL(`worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)

let last: Promise<unknown> = Promise.resolve()

/**
 * Reads a document in a thread of its own, one at a time: what makes it hang, or fills the memory, ends with the thread.
 * `bytes` are given away. Who aborts gets the signal's reason.
 */
export function readApart(
  bytes: Uint8Array,
  kind: Kind,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Outcome> {
  const turn = last.then(() => {
    signal.throwIfAborted()
    return run(bytes, kind, timeoutMs, signal)
  })
  last = turn.catch(() => undefined)
  return turn
}

async function run(bytes: Uint8Array, kind: Kind, timeoutMs: number, signal: AbortSignal): Promise<Outcome> {
  // Its own bytes: a small buffer shares its memory with others.
  const own = new Uint8Array(bytes)
  const thread = new Worker(worker, {
    workerData: { bytes: own, kind },
    transferList: [own.buffer],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    // What a library prints about a document is nobody's business.
    stdout: true,
    stderr: true,
  })
  const before = process.memoryUsage.rss()
  const outcome = Promise.withResolvers<Outcome>()
  const tooLarge = (reason: string) => outcome.resolve({ problem: 'too-large', reason })
  const timer = setTimeout(() => tooLarge(`it was not read within ${timeoutMs} ms`), timeoutMs)
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() - before > MAX_GROWTH_BYTES) tooLarge('reading it takes too much memory')
  }, LOOK_EVERY_MS)
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
    clearInterval(watch)
    signal.removeEventListener('abort', onAbort)
    await thread.terminate()
  }
}
