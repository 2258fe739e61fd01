/** What a task tells when it ends: it is done, or it wants to run again after a while, before anything else of its key. */
export type Outcome = 'done' | { againInMs: number }

/** One try; it never rejects. */
export type Task = () => Promise<Outcome>

/**
 * Runs tasks of one key in their order and tasks of different keys at once, at most `limit` of them.
 * A key whose task waits for its next try holds itself and nobody else: it takes no place.
 * Keys take turns: one with many tasks goes to the end of the line after each.
 */
export type Lanes = {
  add(key: string, task: Task): void
  /** Tasks of a key that have not ended. */
  waiting(key: string): number
  setLimit(limit: number): void
  /** Starts nothing more; resolves when what runs has ended. */
  close(): Promise<void>
}

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
    const outcome = await queue[0]!()
    running--
    if (outcome === 'done') finish(key, queue)
    else if (!closed) later(key, outcome.againInMs)
    if (closed && running === 0) closed()
    fill()
  }
  const finish = (key: string, queue: Task[]) => {
    queue.shift()
    if (queue.length === 0) queues.delete(key)
    else line.push(key)
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
