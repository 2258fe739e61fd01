import type { DocumentKind } from './document.ts'
import { openFairQueue } from './fair-queue.ts'
import { type ReadOutcome, readInSandbox } from './sandbox.ts'

/** Each thread takes up to 220 MB while it reads (`sandbox.ts`), and memory has 512. */
const THREADS = 2
/** Less than memory's deadline. The connector retries a document that waits this long, and the wait uses no attempt. */
const MAX_WAIT_MS = 45_000

/** The remaining time for all documents of one message. Only reading uses it up. */
export type ReadBudget = { leftMs: number }

export type ReadRequest = {
  /** The caller must not use them after the call. */
  bytes: Uint8Array
  kind: DocumentKind
  /** The owner of the document. Persons take turns, so that nobody waits for another person's slow document. */
  person: string
  budget: ReadBudget
  signal: AbortSignal
}

/** Turns documents into passages, separately from memory's other work. */
export type DocumentReader = {
  /**
   * Errors: `busy` when its turn does not come in time, and the signal's reason. A document that cannot be read is a
   * `problem`.
   */
  read(request: ReadRequest): Promise<ReadOutcome>
}

export function openDocumentReader({ threads = THREADS, maxWaitMs = MAX_WAIT_MS } = {}): DocumentReader {
  const queue = openFairQueue({ limit: threads, maxWaitMs })
  return {
    read: ({ bytes, kind, person, budget, signal }) =>
      queue.run(person, signal, async () => {
        const startedAt = performance.now()
        try {
          return await readInSandbox(bytes, kind, { timeoutMs: Math.max(1, budget.leftMs), signal })
        } finally {
          budget.leftMs -= performance.now() - startedAt
        }
      }),
  }
}
