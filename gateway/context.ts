import type { Authenticator } from './auth/access.ts'
import type { Dispatcher } from './delivery/dispatcher.ts'
import type { Intake } from './ingress/intake.ts'
import type { LiveUpdates } from './live/live-updates.ts'
import type { GatewayOptions } from './options.ts'

/** The context that all routes share. */
export type GatewayContext = {
  options: GatewayOptions
  authenticator: Authenticator
  intake: Intake
  liveUpdates: LiveUpdates
  /** One dispatcher for each channel that delivers replies. */
  dispatchers: Dispatcher[]
  /** Aborted when the gateway closes: waits and streams then end. */
  closing: AbortSignal
}
