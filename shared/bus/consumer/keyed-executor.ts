/** What a task tells when it ends: it is done, or it wants to run again after a while, before anything else of its key. */
export type TaskOutcome = 'done' | { retryInMs: number }

/** One try; it never rejects. */
export type Task = () => Promise<TaskOutcome>

/**
 * Runs tasks of one key in their order and tasks of different keys at once, at most `limit` of them.
 * A key whose task waits for its next try holds itself and nobody else: it takes no place.
 * Keys take turns: one with many tasks goes to the end of the line after each, and while more than a few wait it rests in
 * between, so that a conversation that floods leaves most of the machine to the others.
 */
export type KeyedExecutor = {
  add(key: string, task: Task): void
  /** Tasks of a key that have not ended. */
  pendingCount(key: string): number
  setConcurrency(limit: number): void
  /** Starts nothing more; resolves when what runs has ended. */
  close(): Promise<void>
}

/** A key with more tasks than these rests this many times as long as its last task took; 50 tasks of 3 ms then take 0.6 s. */
const THROTTLE_ABOVE_TASKS = 5
const THROTTLE_FACTOR = 4
const MAX_THROTTLE_MS = 100

export function openKeyedExecutor(concurrency: number): KeyedExecutor {
  const queues = new Map<string, Task[]>()
  const readyKeys: string[] = []
  const delayTimers = new Set<NodeJS.Timeout>()
  let running = 0
  let resolveClose: (() => void) | undefined

  const startReady = () => {
    while (running < concurrency && !resolveClose) {
      const key = readyKeys.shift()
      if (key === undefined) return
      running++
      void runNext(key)
    }
  }
  const requeueAfter = (key: string, ms: number) => {
    const timer = setTimeout(() => {
      delayTimers.delete(timer)
      readyKeys.push(key)
      startReady()
    }, ms)
    delayTimers.add(timer)
  }
  const runNext = async (key: string) => {
    const queue = queues.get(key)!
    const startedAt = performance.now()
    const outcome = await queue[0]!()
    const durationMs = performance.now() - startedAt
    running--
    if (outcome === 'done') finishTask(key, queue, durationMs)
    else if (!resolveClose) requeueAfter(key, outcome.retryInMs)
    if (resolveClose && running === 0) resolveClose()
    startReady()
  }
  const finishTask = (key: string, queue: Task[], durationMs: number) => {
    queue.shift()
    if (queue.length === 0) queues.delete(key)
    else if (queue.length <= THROTTLE_ABOVE_TASKS || resolveClose) readyKeys.push(key)
    else requeueAfter(key, Math.min(MAX_THROTTLE_MS, THROTTLE_FACTOR * durationMs))
  }

  return {
    add(key, task) {
      const queue = queues.get(key)
      if (queue) return void queue.push(task)
      queues.set(key, [task])
      readyKeys.push(key)
      startReady()
    },
    pendingCount: key => queues.get(key)?.length ?? 0,
    setConcurrency(next) {
      concurrency = next
      startReady()
    },
    close() {
      for (const timer of delayTimers) clearTimeout(timer)
      return new Promise(resolve => {
        resolveClose = resolve
        if (running === 0) resolve()
      })
    },
  }
}
