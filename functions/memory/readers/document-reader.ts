import type { DocumentKind } from './document.ts'
import { openFairQueue } from './fair-queue.ts'
import { type ReadOutcome, readInSandbox } from './sandbox.ts'

/** Each takes up to 220 MB while it reads (`sandbox.ts`), and memory has 512. */
const THREADS = 2
/** Less than memory's deadline: whoever waits that long is tried again, and takes no attempt's time. */
const MAX_WAIT_MS = 45_000

/** What is left of the time that the documents of one message may take together; only reading uses it up. */
export type ReadBudget = { leftMs: number }

export type ReadRequest = {
  /** They are given away. */
  bytes: Uint8Array
  kind: DocumentKind
  /** Whose document it is: persons take turns, and nobody waits for another's slow document. */
  person: string
  budget: ReadBudget
  signal: AbortSignal
}

/** Turns documents into passages, apart from everything else that memory does. */
export type DocumentReader = {
  /** Errors: `busy` when its turn does not come, and the signal's reason. A document that cannot be read is a `problem`. */
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
