import { lazy } from '../base/concurrency/lazy.ts'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Objects } from '../objects/objects.ts'
import type { Manifest } from './catalogue.ts'
import type { FunctionContext, ServiceName, Services } from './context.ts'
import { type AnyFunction, checkDefinition, type HandlerResult, type ReceivedEvent } from './definition.ts'
import { createCausedEvent, type EventDraft, type LaresEvent } from './events/event.ts'
import { resolveDataRef } from './events/event-log.ts'
import type { EventType } from './events/event-types.ts'
import { topicsOf } from './plugin.ts'

export const DEFAULT_CONCURRENCY = 100
export const DEFAULT_TIMEOUT_MS = 30_000

/** A function that is ready for calls, in this process or behind HTTP. */
export type Invocable = {
  manifest: Manifest
  /** Runs the author's `init` once. `invoke` starts the function if no caller has started it before. */
  start(): Promise<void>
  /**
   * Handles one event and yields the function's events as they arrive. Errors: `unknown_type`, `undeclared_event`,
   * `invalid_result` (final), `busy`, `deadline_exceeded`, and the handler's own errors (a plain error becomes
   * `failed`).
   */
  invoke(event: LaresEvent, signal?: AbortSignal): AsyncGenerator<LaresEvent, void, undefined>
  /** Runs the author's `destroy`. */
  stop(): Promise<void>
}

export type InvocableDependencies = {
  /** The opened services that the function `uses`. */
  services: Partial<Services>
  /** The store for data that is too large for an event. */
  objects: Pick<Objects, 'get'>
  log: Logger
  now?: () => number
}

/**
 * Joins a definition with its services. Errors: `invalid_config` when the definition is invalid or uses a missing
 * service.
 */
export function createInvocable(definition: AnyFunction, dependencies: InvocableDependencies): Invocable {
  checkDefinition(definition)
  const services = servicesOf(definition, dependencies.services)
  const log = dependencies.log.child({ service: definition.name })
  const receives = new Set<string>(definition.receives)
  const limit = definition.concurrency ?? DEFAULT_CONCURRENCY
  let running = 0
  const now = dependencies.now ?? Date.now
  const init = lazy(async () =>
    definition.init?.({ log, now, ...services } as Parameters<NonNullable<AnyFunction['init']>>[0]),
  )

  async function* invoke(event: LaresEvent, signal?: AbortSignal) {
    if (!receives.has(event.type))
      throw new LaresError(
        'unknown_type',
        `${definition.name} takes ${[...receives].join(', ')}, not ${event.type}`,
      )
    if (running >= limit)
      throw new LaresError('busy', `${definition.name} is handling ${limit} events already`, {
        retryAfterMs: 1_000,
      })
    running++
    const deadline = startDeadline(definition, signal)
    try {
      const context = {
        ...services,
        log,
        signal: deadline.signal,
        idempotencyKey: event.id,
        now,
        state: await deadline.race(init()),
      }
      const resolved = await deadline.race(resolveDataRef(event, dependencies.objects))
      const result = await deadline.race(
        callHandler(definition, resolved, context as unknown as FunctionContext<ServiceName>),
      )
      const toEvent = openEventFactory(definition, resolved)
      if (isStream(result)) for await (const draft of withDeadline(result, deadline)) yield toEvent(draft)
      else for (const draft of draftsIn(definition, result)) yield toEvent(draft)
    } finally {
      running--
      deadline.end()
    }
  }

  return {
    manifest: manifestOf(definition),
    start: async () => void (await init()),
    invoke,
    stop: async () => definition.destroy?.(await init()),
  }
}

/** Catches an error of a handler that throws before it returns a promise, like any other error. */
const callHandler = async (
  definition: AnyFunction,
  event: LaresEvent,
  context: FunctionContext<ServiceName>,
) => (await definition.handle(event as ReceivedEvent<EventType>, context)) ?? undefined

const manifestOf = (definition: AnyFunction): Manifest => ({
  name: definition.name,
  topics: topicsOf(definition),
  emits: [...definition.emits],
  uses: [...(definition.uses ?? [])],
  concurrency: definition.concurrency ?? DEFAULT_CONCURRENCY,
  timeoutMs: definition.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  ...(definition.retry ? { retry: definition.retry } : {}),
  ...(definition.skill ? { skill: definition.skill } : {}),
})

function servicesOf(definition: AnyFunction, services: Partial<Services>): Partial<Services> {
  const missing = definition.uses?.find(ability => services[ability] === undefined)
  if (missing)
    throw new LaresError(
      'invalid_config',
      `${definition.name} uses "${missing}", which this process has not opened`,
    )
  return Object.fromEntries((definition.uses ?? []).map(ability => [ability, services[ability]]))
}

type Deadline = { signal: AbortSignal; race<T>(work: Promise<T>): Promise<T>; end(): void }

/**
 * Ends the wait for a handler when its time is over or its caller has disconnected, whether or not the handler heeds
 * the signal.
 */
function startDeadline(definition: AnyFunction, caller?: AbortSignal): Deadline {
  const timeoutMs = definition.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const controller = new AbortController()
  const expired = Promise.withResolvers<never>()
  expired.promise.catch(() => undefined)
  const abort = (error: LaresError) => {
    expired.reject(error)
    controller.abort(error)
  }
  const onCallerGone = () =>
    abort(new LaresError('unavailable', `the caller of ${definition.name} went away`))
  const timer = setTimeout(
    () =>
      abort(new LaresError('deadline_exceeded', `${definition.name} did not finish within ${timeoutMs} ms`)),
    timeoutMs,
  )
  if (caller?.aborted) onCallerGone()
  caller?.addEventListener('abort', onCallerGone, { once: true })
  return {
    signal: controller.signal,
    race: work => Promise.race([work, expired.promise]),
    end() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onCallerGone)
    },
  }
}

/** Creates the events that an invocation emits, in order. Errors: `undeclared_event`, `invalid_result`. */
function openEventFactory(definition: AnyFunction, cause: LaresEvent): (draft: unknown) => LaresEvent {
  let index = 0
  return draft => {
    if (!isDraft(draft)) throw invalidResultError(definition, draft)
    if (!isDeclared(definition, draft.type))
      throw new LaresError(
        'undeclared_event',
        `${definition.name} emitted ${draft.type}, which it does not declare in "emits"`,
      )
    return createResultEvent(definition, draft, cause, index++)
  }
}

function draftsIn(
  definition: AnyFunction,
  result: Exclude<HandlerResult, AsyncIterable<EventDraft>>,
): readonly EventDraft[] {
  if (result === undefined) return []
  if (Array.isArray(result)) return result
  if (isDraft(result)) return [result]
  throw invalidResultError(definition, result)
}

const isStream = (result: unknown): result is AsyncIterable<EventDraft> =>
  typeof (result as AsyncIterable<EventDraft> | undefined)?.[Symbol.asyncIterator] === 'function'

async function* withDeadline(drafts: AsyncIterable<EventDraft>, deadline: Deadline) {
  const iterator = drafts[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { value, done } = await deadline.race(Promise.resolve(iterator.next()))
      if (done) return
      yield value
    }
  } finally {
    closeIterator(iterator)
  }
}

/**
 * Closes an iterator without awaiting it: a generator that hangs in its last step would hang here too. No caller is
 * left to receive its error.
 */
const closeIterator = (iterator: AsyncIterator<EventDraft>) =>
  void (async () => iterator.return?.())().catch(() => undefined)

function createResultEvent(
  definition: AnyFunction,
  draft: EventDraft,
  cause: LaresEvent,
  index: number,
): LaresEvent {
  try {
    return createCausedEvent(draft, { function: definition.name, cause, index })
  } catch (error) {
    throw new LaresError(
      'invalid_result',
      `${definition.name} emitted a wrong event: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

const isDraft = (value: unknown): value is EventDraft =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as EventDraft).type === 'string' &&
  'data' in value

const invalidResultError = (definition: AnyFunction, value: unknown) =>
  new LaresError(
    'invalid_result',
    `${definition.name} gave back ${typeof value} where an event {type, data}, a list or a stream of them, or nothing was due`,
  )

/** Whether a type is declared; `*` stands for one name. */
function isDeclared(definition: AnyFunction, type: string): boolean {
  return definition.emits.some(pattern => pattern === type || matchesPattern(pattern, type))
}

function matchesPattern(pattern: string, type: string): boolean {
  const [head, tail] = pattern.split('*') as [string, string?]
  return (
    tail !== undefined &&
    type.startsWith(head) &&
    type.endsWith(tail) &&
    type.length > head.length + tail.length
  )
}
