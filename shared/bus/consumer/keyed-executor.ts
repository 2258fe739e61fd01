/** The outcome of a task: it is done, or it wants to run again after a wait, before any other task of its key. */
export type TaskOutcome = 'done' | { retryInMs: number }

/** One attempt; it never rejects. */
export type Task = () => Promise<TaskOutcome>

/**
 * Runs tasks of one key in order and tasks of different keys at once, at most `limit` of them. A task that waits for
 * its next attempt holds back its own key alone and takes no slot. Keys take turns: after each task, a key goes to the
 * end of the queue. While more than a few tasks of a key wait, the key also pauses between them. So a flooding
 * conversation leaves most of the machine to the others.
 */
export type KeyedExecutor = {
  add(key: string, task: Task): void
  /** The number of unfinished tasks of a key. */
  pendingCount(key: string): number
  setConcurrency(limit: number): void
  /** Starts no further task. Resolves when the running tasks have ended. */
  close(): Promise<void>
}

/**
 * A key with more tasks than the first number pauses `THROTTLE_FACTOR` times as long as its last task took. 50 tasks of
 * 3 ms then take 0.6 s.
 */
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
