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

/** What the gateway stands on. */
export type GatewayOptions = {
  bus: Bus
  events: EventLog
  store: Store
  config: GatewayConfig
  ownerToken: string
  /** True when a person chose the token (LARES_TOKEN); one that was made by itself opens loopback addresses only. */
  hasChosenOwnerToken?: boolean
  /** The name that /v1/models answers with. */
  model: () => Promise<string>
  /** Readiness by part: each rejects with the reason. */
  checks: Record<string, () => Promise<void>>
  /** What an operator should know though every part is ready, such as a configuration that changed since the start. */
  notices?: () => string[]
  /** The names of the deployed skills. */
  skillNames: () => Promise<string[]>
  /** Gives a person who is new a key. `noProtection` where nothing is encrypted. */
  protection: PersonKeys
  /** Where attachments go; without it they are refused. */
  objects?: Objects
  /** What the owner asks about the functions, and does with dead letters. */
  operations: Operations
  /** Reads the log for `lares backup`; without it there are no such routes. */
  logCopy?: LogCopy
  /** Records who signs in, and what the owner reads of other people. What cannot be recorded does not happen. */
  audit: Pick<Audit, 'record'>
  /** What GET /metrics gives, and where the gateway counts; without it there is no such route. */
  metrics?: Metrics
  /** Channels besides the gateway's own and the webhooks of gateway.yaml. */
  channels?: Channel[]
  log: Logger
  /** Milliseconds since the epoch. */
  now?: () => number
}
