import { authorStackOf, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import type { Invocable } from '../../shared/contract/invoke.ts'

/** An author wants to see a failure at once, so the connector makes one more attempt at most. */
const MAX_ATTEMPTS = 2

/** A function under `lares dev`: each failure is logged at its first attempt, with file, line and stack. */
export function forDevelopment(invocable: Invocable, log: Logger): Invocable {
  const { name, retry } = invocable.manifest
  return {
    ...invocable,
    manifest: { ...invocable.manifest, retry: { ...retry, maxAttempts: MAX_ATTEMPTS } },
    async *invoke(event: LaresEvent, signal?: AbortSignal) {
      try {
        yield* invocable.invoke(event, signal)
      } catch (thrown) {
        const error = toLaresError(thrown)
        // An unreachable or busy service is not the author's mistake, and the connector retries for long.
        if (error.code !== 'unavailable' && error.code !== 'busy')
          log.error(
            { event: event.id, code: error.code },
            `${name} failed: ${authorStackOf(error) ?? error.message}`,
          )
        throw error
      }
    },
  }
}
