import { setTimeout as wait } from 'node:timers/promises'

/** Waits for a condition, looking every 20 ms; what it throws ends the wait. Gives back the first truthy value. */
export async function until<T>(condition: () => T | Promise<T>, timeoutMs = 10_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`)
    await wait(20)
  }
}
