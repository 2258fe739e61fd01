/** What a task tells when it ends: it is done, or it wants to run again after a while, before anything else of its key. */
export type Outcome = 'done' | { againInMs: number }

/** One try; it never rejects. */
export type Task = () => Promise<Outcome>

/**
 * Runs tasks of one key in their order and tasks of different keys at once, at most `limit` of them.
 * A key whose task waits for its next try holds itself and nobody else: it takes no place.
 * Keys take turns: one with many tasks goes to the end of the line after each, and while more than a few wait it rests in
 * between, so that a conversation that floods leaves most of the machine to the others.
 */
export type Lanes = {
  add(key: string, task: Task): void
  /** Tasks of a key that have not ended. */
  waiting(key: string): number
  setLimit(limit: number): void
  /** Starts nothing more; resolves when what runs has ended. */
  close(): Promise<void>
}

/** A key with more tasks than these rests this many times as long as its last task took; 50 tasks of 3 ms then take 0.6 s. */
const RESTS_BEYOND = 5
const REST_SHARE = 4
const LONGEST_REST_MS = 100

export function openLanes(limit: number): Lanes {
  const queues = new Map<string, Task[]>()
  const line: string[] = []
  const waits = new Set<NodeJS.Timeout>()
  let running = 0
  let closed: (() => void) | undefined

  const fill = () => {
    while (running < limit && !closed) {
      const key = line.shift()
      if (key === undefined) return
      running++
      void runFirst(key)
    }
  }
  const later = (key: string, ms: number) => {
    const wait = setTimeout(() => {
      waits.delete(wait)
      line.push(key)
      fill()
    }, ms)
    waits.add(wait)
  }
  const runFirst = async (key: string) => {
    const queue = queues.get(key)!
    const startedAt = performance.now()
    const outcome = await queue[0]!()
    const tookMs = performance.now() - startedAt
    running--
    if (outcome === 'done') finish(key, queue, tookMs)
    else if (!closed) later(key, outcome.againInMs)
    if (closed && running === 0) closed()
    fill()
  }
  const finish = (key: string, queue: Task[], tookMs: number) => {
    queue.shift()
    if (queue.length === 0) queues.delete(key)
    else if (queue.length <= RESTS_BEYOND || closed) line.push(key)
    else later(key, Math.min(LONGEST_REST_MS, REST_SHARE * tookMs))
  }

  return {
    add(key, task) {
      const queue = queues.get(key)
      if (queue) return void queue.push(task)
      queues.set(key, [task])
      line.push(key)
      fill()
    },
    waiting: key => queues.get(key)?.length ?? 0,
    setLimit(next) {
      limit = next
      fill()
    },
    close() {
      for (const wait of waits) clearTimeout(wait)
      return new Promise(resolve => {
        closed = resolve
        if (running === 0) resolve()
      })
    },
  }
}
