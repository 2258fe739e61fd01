import type { Logger } from '../base/log.ts'
import type { Models } from '../models/models.ts'
import type { Objects } from '../objects/objects.ts'
import type { Records, Store, Timers } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'
import type { Catalogue } from './catalogue.ts'

/** What a function may ask for. It gets what it `uses` and nothing else. */
export const SERVICE_NAMES = [
  'models',
  'store',
  'records',
  'timers',
  'vectors',
  'objects',
  'catalogue',
  'assistant',
] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** Names of before, which a handler of somebody else's may still use. */
export const RENAMED_SERVICES: Readonly<Record<string, ServiceName>> = {
  documents: 'records',
  conversations: 'store',
}

/** What people set about their assistant (config/assistant.yaml). */
export type AssistantSettings = {
  name: string
  /** Said to the model before anything else. */
  instructions: string
  /** What dialog does with a message that arrives during a turn. */
  mode: 'queue' | 'merge' | 'interrupt'
  /** How many times a turn may ask the model. */
  maxSteps: number
  /** How many waiting messages a conversation holds before it refuses more. */
  maxWaiting: number
}

/** The abilities by name, as the process that runs the functions opened them. */
export type Services = {
  models: Models
  store: Store
  records: Records
  timers: Timers
  vectors: Vectors
  objects: Objects
  catalogue: Catalogue
  assistant: AssistantSettings
}

export type InvocationContext = {
  log: Logger
  /** Aborted when the deadline passes, the caller goes away or the function is stopped at last. */
  signal: AbortSignal
  /** The same for every try of the same event: the event's id. What has an effect outside is done once under it. */
  idempotencyKey: string
  /** The time, in milliseconds since the epoch. */
  now(): number
}

/** `state`: what the function's `init` returned. */
export type FunctionContext<Uses extends ServiceName = never, State = unknown> = InvocationContext &
  Pick<Services, Uses> & { state: State }

export type InitContext<Uses extends ServiceName = never> = Pick<InvocationContext, 'log' | 'now'> &
  Pick<Services, Uses>
