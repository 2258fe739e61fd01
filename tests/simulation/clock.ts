import { AsyncLocalStorage } from 'node:async_hooks'

/** A running process of the simulated instance: its timers end with it. */
export type TaskOwner = {
  name: string
  alive: boolean
  /** The process is paused until then. */
  pausedUntilMs: number
  /** Its wall clock is off by so much. */
  skewMs: number
}

export type Task = {
  atMs: number
  sequence: number
  run(): void
  owner: TaskOwner | undefined
  cancelled: boolean
}

export type Clock = {
  /** Milliseconds since the start of the run; it never goes back. */
  nowMs(): number
  /** The wall clock of the current process, in milliseconds since the epoch. */
  wallClockMs(): number
  /** Has something happen later, in a process or (without one) outside of all. */
  schedule(delayMs: number, run: () => void, owner?: TaskOwner): Task
  /** The process that runs now. */
  currentOwner(): TaskOwner | undefined
  /** Runs code as a process; all that it begins belongs to the process. */
  runAs<T>(owner: TaskOwner | undefined, work: () => T): T
  /** Waits, outside of all processes. */
  wait(delayMs: number): Promise<void>
  /** Lets things happen, one after the other in the order of their time, until `isOver`. */
  runUntil(isOver: () => boolean): Promise<void>
}

/** When every run begins: a Monday. */
export const RUN_START_MS = Date.UTC(2026, 0, 5, 9)

const realSetImmediate = setImmediate
/** Resolves when all ready work has run: promises settle before the event loop turns. */
const flushPromises = () => new Promise<void>(resolve => void realSetImmediate(resolve))

/** A clock that stands still until something is due, and then jumps there at once. */
export function openClock(): Clock {
  const current = new AsyncLocalStorage<TaskOwner | undefined>()
  const queue = openHeap()
  let nowMs = 0
  let sequence = 0
  const schedule: Clock['schedule'] = (delayMs, run, owner) => {
    const task = { atMs: nowMs + Math.max(0, delayMs), sequence: sequence++, run, owner, cancelled: false }
    queue.push(task)
    return task
  }
  const isRunnable = ({ owner, cancelled }: Task) => !cancelled && owner?.alive !== false
  const clock: Clock = {
    nowMs: () => nowMs,
    wallClockMs: () => RUN_START_MS + Math.floor(nowMs + (current.getStore()?.skewMs ?? 0)),
    schedule,
    currentOwner: () => current.getStore(),
    runAs: (owner, work) => current.run(owner, work),
    wait: delayMs => new Promise(resolve => void schedule(delayMs, resolve)),
    async runUntil(isOver) {
      while (!isOver()) {
        const task = queue.pop()
        if (!task) throw new Error('nothing is going to happen any more')
        if (!isRunnable(task)) continue
        nowMs = Math.max(nowMs, task.atMs)
        const until = task.owner?.pausedUntilMs ?? 0
        if (until > nowMs) queue.push({ ...task, atMs: until })
        else {
          current.run(task.owner, task.run)
          await flushPromises()
        }
      }
    },
  }
  return clock
}

/** A binary heap, the earliest first; of the same time, the one that was put in first. */
function openHeap() {
  const heap: Task[] = []
  const isBefore = (a: Task, b: Task) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
  const swap = (a: number, b: number) => {
    const swapped = heap[a]!
    heap[a] = heap[b]!
    heap[b] = swapped
  }
  return {
    push(task: Task) {
      let at = heap.push(task) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!isBefore(heap[at]!, heap[parent]!)) return
        swap(at, parent)
        at = parent
      }
    },
    pop(): Task | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (!first || !last || heap.length === 0) return first
      heap[0] = last
      for (let at = 0; ; ) {
        let least = at
        for (const child of [2 * at + 1, 2 * at + 2])
          if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child
        if (least === at) return first
        swap(at, least)
        at = least
      }
    },
  }
}
