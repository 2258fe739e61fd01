export type KeyedMutex = {
  /**
   * Runs a task after all earlier tasks of its key have ended, successfully or not. Keys do not wait for each other.
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Resolves when all tasks given so far have ended. */
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
