export type KeyedMutex = {
  /** Runs a piece of work after all earlier ones of its key have ended, well or not; keys do not wait for each other. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** When all that was given so far has ended. */
  settled(): Promise<void>
}

export function openKeyedMutex(): KeyedMutex {
  const lastTasks = new Map<string, Promise<unknown>>()
  return {
    run(key, work) {
      const task = (lastTasks.get(key) ?? Promise.resolve()).then(work, work)
      lastTasks.set(key, task)
      const removeIfLast = () => {
        if (lastTasks.get(key) === task) lastTasks.delete(key)
      }
      task.then(removeIfLast, removeIfLast)
      return task
    },
    async settled() {
      await Promise.allSettled(lastTasks.values())
    },
  }
}
