import type { Log } from '#shared/base/log.ts'
import type { Models } from '#shared/models/models.ts'

/** A turn waits this long to learn what the model can do; after that it takes what was last known. */
const WAIT_MS = 500
const MAX_AGE_MS = 10_000

type Known = { tools: boolean; askedAt: number; asking: Promise<void> }

const known = new WeakMap<Models, Known>()

/** Whether the model can call tools, as far as is known: a model that is away does not fail the turn. */
export async function canUseTools(models: Models, now: () => number, log: Log): Promise<boolean> {
  const before = known.get(models)
  const current = before ?? { tools: true, askedAt: now(), asking: Promise.resolve() }
  if (!before || now() - before.askedAt > MAX_AGE_MS) ask(models, current, now(), log)
  known.set(models, current)
  if (!before) await Promise.race([current.asking, elapsed(WAIT_MS)])
  return current.tools
}

function ask(models: Models, current: Known, nowMs: number, log: Log): void {
  current.askedAt = nowMs
  current.asking = models.capabilities('text-generation').then(
    ({ tools }) => {
      current.tools = tools
    },
    error => log.warn({ err: error }, 'nobody knows what the model can do; taking what was last known'),
  )
}

const elapsed = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms).unref())
