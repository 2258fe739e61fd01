import type { Logger } from '#shared/base/log.ts'
import type { Models } from '#shared/models/models.ts'

/** A turn waits this long to learn what the model can do; after that it takes what was last known. */
const FIRST_CHECK_TIMEOUT_MS = 500
const CACHE_TTL_MS = 10_000

type CachedCapability = { tools: boolean; askedAt: number; asking: Promise<void> }

const capabilityCache = new WeakMap<Models, CachedCapability>()

/** Whether the model can call tools, as far as is known: a model that is away does not fail the turn. */
export async function canUseTools(models: Models, now: () => number, log: Logger): Promise<boolean> {
  const cached = capabilityCache.get(models)
  const current = cached ?? { tools: true, askedAt: now(), asking: Promise.resolve() }
  if (!cached || now() - cached.askedAt > CACHE_TTL_MS) refreshCapability(models, current, now(), log)
  capabilityCache.set(models, current)
  if (!cached) await Promise.race([current.asking, delay(FIRST_CHECK_TIMEOUT_MS)])
  return current.tools
}

function refreshCapability(models: Models, current: CachedCapability, nowMs: number, log: Logger): void {
  current.askedAt = nowMs
  current.asking = models.capabilities('text-generation').then(
    ({ tools }) => {
      current.tools = tools
    },
    error => log.warn({ err: error }, 'nobody knows what the model can do; taking what was last known'),
  )
}

const delay = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms).unref())
