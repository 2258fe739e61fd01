import type { Logger } from '../shared/base/log.ts'
import type { Bus } from '../shared/bus/bus.ts'
import type { GatewayConfig } from '../shared/config/files.ts'
import type { EventLog } from '../shared/contract/events/event-log.ts'
import type { Objects } from '../shared/objects/objects.ts'
import type { Metrics } from '../shared/observability/metrics.ts'
import type { LogCopy } from '../shared/operations/log-copy.ts'
import type { Operations } from '../shared/operations/open-operations.ts'
import type { Audit } from '../shared/protection/audit/audit.ts'
import type { PersonKeys } from '../shared/protection/unprotected.ts'
import type { Store } from '../shared/store/store.ts'
import type { Channel } from './channels/channel.ts'

/** The dependencies and settings of the gateway. */
export type GatewayOptions = {
  bus: Bus
  events: EventLog
  store: Store
  config: GatewayConfig
  ownerToken: string
  /** True when a person chose the token (LARES_TOKEN). A generated token opens loopback addresses only. */
  hasChosenOwnerToken?: boolean
  /** The model name in the answer of /v1/models. */
  model: () => Promise<string>
  /** Readiness checks by part: each rejects with the reason. */
  checks: Record<string, () => Promise<void>>
  /** Notices for the operator while every part is ready, such as a configuration change since the start. */
  notices?: () => string[]
  skillNames: () => Promise<string[]>
  /** Gives a new person a key. `noProtection` where nothing is encrypted. */
  protection: PersonKeys
  /** The store for attachments; without it, the gateway refuses them. */
  objects?: Objects
  /** Answers the owner's questions about the functions, and handles dead letters. */
  operations: Operations
  /** Reads the log for `lares backup`; without it, these routes do not exist. */
  logCopy?: LogCopy
  /**
   * Records sign-ins, and the owner's access to other people's data. When recording fails, the gateway refuses the
   * action.
   */
  audit: Pick<Audit, 'record'>
  /** The metrics that the gateway counts and GET /metrics serves; without them, the route does not exist. */
  metrics?: Metrics
  /** Channels besides the gateway's own and the webhooks of gateway.yaml. */
  channels?: Channel[]
  log: Logger
  /** Milliseconds since the epoch. */
  now?: () => number
}
