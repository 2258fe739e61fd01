import type { Authenticator } from './auth/access.ts'
import type { Dispatcher } from './delivery/dispatcher.ts'
import type { Intake } from './ingress/intake.ts'
import type { LiveUpdates } from './live/live-updates.ts'
import type { GatewayOptions } from './options.ts'

/** What the routes share. */
export type GatewayContext = {
  options: GatewayOptions
  authenticator: Authenticator
  intake: Intake
  liveUpdates: LiveUpdates
  /** One for each channel that replies are pushed to. */
  dispatchers: Dispatcher[]
  /** Aborted when the gateway closes: who waits stops waiting, who streams ends. */
  closing: AbortSignal
}
