/**
 * Hands the values that a callback receives to one reader. The queue holds every value until the reader takes it, so
 * its writer must be bounded.
 */
export function createAsyncQueue<T>() {
  const items: T[] = []
  let ended = false
  let wake: () => void = () => undefined

  async function* read(): AsyncGenerator<T> {
    for (;;) {
      while (items.length > 0) yield items.shift()!
      if (ended) return
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }

  return {
    push(item: T): void {
      items.push(item)
      wake()
    },
    end(): void {
      ended = true
      wake()
    },
    read,
  }
}
