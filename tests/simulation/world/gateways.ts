import type { Channel } from '../../../gateway/channels/channel.ts'
import type { GatewayContext, GatewayOptions } from '../../../gateway/context.ts'
import { openDispatcher } from '../../../gateway/delivery/dispatcher.ts'
import { openAdmission } from '../../../gateway/ingress/admission.ts'
import { createCircuitBreaker } from '../../../gateway/ingress/circuit-breaker.ts'
import { openIntake } from '../../../gateway/ingress/intake.ts'
import { openLiveUpdates } from '../../../gateway/live/live-updates.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import type { Objects } from '../../../shared/objects/objects.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Store } from '../../../shared/store/store.ts'

export type Surroundings = {
  bus: Bus
  conversations: Store
  objects: Objects
  events: EventLog
  protection: Pick<Protection, 'keys'> | undefined
  log: Logger
  /** Where replies are pushed. */
  channel: Channel
}

/** What is behind the gateway's routes, without HTTP. */
export type GatewayRooms = Pick<GatewayContext, 'options' | 'intake' | 'liveUpdates' | 'closing'>

/** The gateway as `buildGateway` puts it together, up to its routes. */
export function openRooms({ bus, conversations, objects, events, protection, log, channel }: Surroundings): {
  rooms: GatewayRooms
  close(): Promise<void>
} {
  const catalogue = openCatalogue(conversations.records)
  const parts: GatewayOptions = {
    bus,
    store: conversations,
    objects,
    log,
    events,
    protection,
    // There is no configuration in this folder: the defaults.
    config: readConfig(import.meta.dirname, 'gateway'),
    ownerToken: '',
    model: async () => 'lares',
    checks: {},
    skillNames: async () => (await catalogue.skills()).map(({ name }) => name),
  }
  const closing = new AbortController()
  const live = openLiveUpdates(parts)
  const pressure = openAdmission(conversations.history, parts.config.maxWaiting, Date.now)
  const breaker = createCircuitBreaker(() => Promise.all([bus.check(), conversations.check()]), log)
  const intake = openIntake(parts, { liveUpdates: live, admission: pressure, circuitBreaker: breaker })
  const { records } = conversations
  const outbox = openDispatcher(channel, {
    bus,
    records,
    objects,
    log,
    baseBackoffMs: 500,
    maxBackoffMs: 5_000,
  })
  return {
    rooms: { options: parts, liveUpdates: live, intake, closing: closing.signal },
    async close() {
      closing.abort()
      breaker.close()
      await Promise.all([live.close(), outbox.close()])
    },
  }
}
