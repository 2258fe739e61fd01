import { LaresError } from '../base/errors.ts'
import type { Manifest } from './catalogue.ts'
import type { Ability, FunctionContext, InitContext } from './context.ts'
import type { Draft, LaresEvent } from './events/event.ts'
import { type EventType, isEventType, name } from './events/event-types.ts'

/** What a handler may give back: nothing, one event, several, or a stream of them. */
export type HandlerResult = undefined | Draft | Draft[] | AsyncIterable<Draft>

export type FunctionDefinition<Received extends EventType = EventType, Uses extends Ability = Ability> = {
  name: string
  /** Event types that it takes; any other is refused. */
  receives: readonly Received[]
  /** Event types that it may emit, `*` standing for a name; any other is refused. */
  emits: readonly string[]
  uses?: readonly Uses[]
  /** Events handled at once in one process; more are answered 429. Default 100. */
  concurrency?: number
  /** How long one event may take before its signal is aborted and the try counts as failed. Default 30,000. */
  timeoutMs?: number
  /** Runs once before the first event. */
  init?(context: InitContext<Uses>): void | Promise<void>
  handle(
    event: ReceivedEvent<Received>,
    context: FunctionContext<Uses>,
  ): HandlerResult | void | Promise<HandlerResult | void>
  /** Runs once after the last event. */
  destroy?(): void | Promise<void>
  skill?: Manifest['skill']
}

/** A union of one event per type, so that `event.type` tells the shape of `event.data`. */
export type ReceivedEvent<T extends EventType> = { [K in T]: LaresEvent<K> }[T]

/** A definition whose type parameters do not matter any more. */
export type AnyFunction = FunctionDefinition<EventType, Ability>

/** Marks what this module made, so that a plugin object can be told from it. */
const DEFINED = Symbol.for('lares.function')

/** Defines a stage of the pipeline. The handler file default-exports what this gives back. */
export function defineFunction<const Received extends EventType, const Uses extends Ability = never>(
  definition: FunctionDefinition<Received, Uses>,
): AnyFunction {
  return Object.assign({ ...definition }, { [DEFINED]: true }) as unknown as AnyFunction
}

export const isDefinition = (value: unknown): value is AnyFunction =>
  typeof value === 'object' && value !== null && DEFINED in value

/** Node's timers end there; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Tells what is wrong with a definition before it meets its first event. Errors: `invalid_config`. */
export function checkDefinition(definition: AnyFunction): void {
  const { receives = [], emits = [], concurrency = 1, timeoutMs = 1 } = definition as Partial<AnyFunction>
  const wrong = (problem: string) =>
    new LaresError('invalid_config', `the function "${definition.name}" ${problem}`)
  if (!name.safeParse(definition.name).success)
    throw wrong('needs a name of lower-case letters, digits and dashes')
  if (typeof definition.handle !== 'function') throw wrong('has no handle()')
  if (receives.length === 0) throw wrong('names no event type in "receives"')
  const unknown =
    receives.find(type => !isEventType(type)) ?? emits.find(type => !isEventType(type.replace('*', 'any')))
  if (unknown !== undefined) throw wrong(`names "${unknown}", which is no event type of Lares`)
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw wrong(`has a concurrency of ${concurrency}; it takes a whole number from 1`)
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw wrong(`has a timeoutMs of ${timeoutMs}; it takes 1 to ${MAX_TIMEOUT_MS}`)
}
