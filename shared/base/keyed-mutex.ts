export type InTurn = {
  /** Runs a piece of work after all earlier ones of its key have ended, well or not; keys do not wait for each other. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** When all that was given so far has ended. */
  settled(): Promise<void>
}

export function openInTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return {
    run(key, work) {
      const turn = (last.get(key) ?? Promise.resolve()).then(work, work)
      last.set(key, turn)
      const forget = () => {
        if (last.get(key) === turn) last.delete(key)
      }
      turn.then(forget, forget)
      return turn
    },
    async settled() {
      await Promise.allSettled(last.values())
    },
  }
}
