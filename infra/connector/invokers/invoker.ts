import type { Manifest } from '../../../shared/contract/catalogue.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'

/**
 * How the connector calls a function. Drivers: `inline` (in this process) and `http`.
 *
 * Guarantees: events come in the order the function emitted them; when the stream ends without an error, the function
 * has finished. Errors are `LaresError`s: `unavailable` and `busy` mean that the function has not taken the event.
 */
export type Invoker = {
  invoke(name: string, event: LaresEvent, signal: AbortSignal): AsyncIterable<LaresEvent>
  /** The function's manifest. Errors: `unavailable`. */
  manifest(name: string): Promise<Manifest>
  close(): Promise<void>
}
