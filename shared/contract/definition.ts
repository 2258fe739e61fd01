import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Manifest } from './catalogue.ts'
import {
  type FunctionContext,
  type InitContext,
  RENAMED_SERVICES,
  SERVICE_NAMES,
  type ServiceName,
} from './context.ts'
import type { EventDraft, LaresEvent } from './events/event.ts'
import { type EventType, isEventType, nameSchema } from './events/event-types.ts'
import { type RetryPolicy, retryPolicySchema } from './retry-policy.ts'

/** A handler's result: nothing, one event, several, or a stream of events. */
export type HandlerResult = undefined | EventDraft | EventDraft[] | AsyncIterable<EventDraft>

export type FunctionDefinition<
  Received extends EventType = EventType,
  Uses extends ServiceName = ServiceName,
  State = unknown,
> = {
  name: string
  /** Event types that the function accepts. It refuses every other type. */
  receives: readonly Received[]
  /** Event types that the function may emit; `*` stands for a name. Lares refuses every other type. */
  emits: readonly string[]
  uses?: readonly Uses[]
  /** The number of events that one process handles at once. It answers further events with 429. Default 100. */
  concurrency?: number
  /**
   * The longest time for one event. After it, the signal is aborted and the attempt counts as failed. Default 30,000.
   */
  timeoutMs?: number
  /** The connector's retry policy, where it differs from the default (`retry-policy.ts`). */
  retry?: Partial<RetryPolicy>
  /**
   * Runs once before the first event. Every call gets its result as `context.state`, so that a handler needs no module
   * globals.
   */
  init?(context: InitContext<Uses>): State | Promise<State>
  handle(
    event: ReceivedEvent<Received>,
    context: FunctionContext<Uses, State>,
  ): HandlerResult | void | Promise<HandlerResult | void>
  /** Runs once after the last event, with the result of `init`. */
  destroy?(state: State): void | Promise<void>
  skill?: Manifest['skill']
}

/** A union with one event per type, so that `event.type` narrows `event.data`. */
export type ReceivedEvent<T extends EventType> = { [K in T]: LaresEvent<K> }[T]

/** A definition without its type parameters. */
export type AnyFunction = FunctionDefinition<EventType, ServiceName, unknown>

/** Marks definitions of this module, to tell them from plugin objects. */
const DEFINITION_MARK = Symbol.for('lares.function')

/** Defines a stage of the pipeline. The handler file default-exports the result. */
export function defineFunction<
  const Received extends EventType,
  const Uses extends ServiceName = never,
  State = unknown,
>(definition: FunctionDefinition<Received, Uses, State>): AnyFunction {
  return Object.assign({ ...definition }, { [DEFINITION_MARK]: true }) as unknown as AnyFunction
}

export const isDefinition = (value: unknown): value is AnyFunction =>
  typeof value === 'object' && value !== null && DEFINITION_MARK in value

/** The longest timeout of Node's timers; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Checks a definition before its first event. Errors: `invalid_config`. */
export function checkDefinition(definition: AnyFunction): void {
  const { receives = [], emits = [], concurrency = 1, timeoutMs = 1 } = definition as Partial<AnyFunction>
  const configError = (problem: string) =>
    new LaresError('invalid_config', `the function "${definition.name}" ${problem}`)
  if (!nameSchema.safeParse(definition.name).success)
    throw configError('needs a name of lower-case letters, digits and dashes')
  if (typeof definition.handle !== 'function') throw configError('has no handle()')
  if (receives.length === 0) throw configError('names no event type in "receives"')
  const unknown =
    receives.find(type => !isEventType(type)) ?? emits.find(type => !isEventType(type.replace('*', 'any')))
  if (unknown !== undefined) throw configError(`names "${unknown}", which is no event type of Lares`)
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw configError(`has a concurrency of ${concurrency}; it takes a whole number from 1`)
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw configError(`has a timeoutMs of ${timeoutMs}; it takes 1 to ${MAX_TIMEOUT_MS}`)
  checkUses(definition.uses ?? [], configError)
  const retry = retryPolicySchema.partial().safeParse(definition.retry ?? {})
  if (!retry.success) throw configError(`has a wrong "retry": ${z.prettifyError(retry.error)}`)
}

function checkUses(uses: readonly string[], configError: (problem: string) => LaresError): void {
  const unknown = uses.find(name => !SERVICE_NAMES.includes(name as ServiceName))
  if (unknown === undefined) return
  const newName = RENAMED_SERVICES[unknown]
  if (newName)
    throw configError(
      `uses "${unknown}", which is called "${newName}" now: rename it in "uses" and where its handler reads context.${unknown}`,
    )
  throw configError(`uses "${unknown}", which is no service: there are ${SERVICE_NAMES.join(', ')}`)
}
