import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../base/log.ts'
import type { Capabilities, TextGenerator } from './models.ts'

/** How long a caller waits for the first answer; it then continues with the known capabilities. */
const FIRST_ANSWER_TIMEOUT_MS = 500
const CACHE_TTL_MS = 10_000

export type ModelCapabilities = {
  /**
   * The known capabilities of the model. An unreachable model causes no error. Undefined until the model has answered
   * once. Only the first call waits, for at most `timeoutMs`, 500 if not given.
   */
  known(timeoutMs?: number): Promise<Capabilities | undefined>
}

/** Caches the model's capabilities. A call more than 10 s after the last query asks again in the background. */
export function openModelCapabilities(
  models: Pick<TextGenerator, 'capabilities'>,
  { now, log }: { now(): number; log: Logger },
): ModelCapabilities {
  let capabilities: Capabilities | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY
  let firstAnswer: Promise<void> | undefined

  const ask = async () => {
    askedAtMs = now()
    try {
      capabilities = await models.capabilities('text-generation')
    } catch (error) {
      log.warn({ err: error }, 'the model does not say what it can do; going on with what was last known')
    }
  }
  return {
    async known(timeoutMs = FIRST_ANSWER_TIMEOUT_MS) {
      const asking = now() - askedAtMs > CACHE_TTL_MS ? ask() : undefined
      firstAnswer ??= asking
      if (!capabilities) await Promise.race([firstAnswer, sleep(timeoutMs, undefined, { ref: false })])
      return capabilities
    },
  }
}
