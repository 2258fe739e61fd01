import type { Logger } from '../base/log.ts'
import type { Models } from '../models/models.ts'
import type { Objects } from '../objects/objects.ts'
import type { Records, Store, Timers } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'
import type { Catalogue } from './catalogue.ts'

/** The services that a function may ask for. A function gets those that it `uses` and no others. */
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

/** Former names of services, which third-party handlers may still use. */
export const RENAMED_SERVICES: Readonly<Record<string, ServiceName>> = {
  documents: 'records',
  conversations: 'store',
}

/** The people's settings for their assistant (config/assistant.yaml). */
export type AssistantSettings = {
  name: string
  /** Instructions that the model gets before everything else. */
  instructions: string
  /** Dialog's treatment of a message that arrives during a turn. */
  mode: 'queue' | 'merge' | 'interrupt'
  /** How many times a turn may call the model. */
  maxSteps: number
  /** The maximum number of waiting messages in a conversation; it refuses further ones. */
  maxWaiting: number
}

/** The services by name, as opened by the process that runs the functions. */
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
  /** Aborted when the deadline passes, the caller disconnects or the function is finally stopped. */
  signal: AbortSignal
  /**
   * The event's id, which is the same for every attempt of the event. A handler uses it to cause an outside effect only
   * once.
   */
  idempotencyKey: string
  /** The current time, in milliseconds since the epoch. */
  now(): number
}

/** `state` holds the value that the function's `init` returned. */
export type FunctionContext<Uses extends ServiceName = never, State = unknown> = InvocationContext &
  Pick<Services, Uses> & { state: State }

export type InitContext<Uses extends ServiceName = never> = Pick<InvocationContext, 'log' | 'now'> &
  Pick<Services, Uses>
