import { setTimeout as wait } from 'node:timers/promises'

/**
 * Waits for a condition, which it checks every 20 ms, and resolves with the first truthy value. An error of the condition
 * ends the wait. The limit only ends a test that hangs, so it allows for a machine that is slow.
 */
export async function until<T>(condition: () => T | Promise<T>, timeoutMs = 60_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`)
    await wait(20)
  }
}
