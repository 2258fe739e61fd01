import type { Channel } from '../../../gateway/channels/channel.ts'
import type { Parts, Rooms } from '../../../gateway/context.ts'
import { openOutbox } from '../../../gateway/delivery/dispatcher.ts'
import { openPressure } from '../../../gateway/ingress/admission.ts'
import { openBreaker } from '../../../gateway/ingress/circuit-breaker.ts'
import { openIntake } from '../../../gateway/ingress/intake.ts'
import { openLive } from '../../../gateway/live/live-updates.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import type { Objects } from '../../../shared/objects/objects.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Conversations } from '../../../shared/store/store.ts'

export type Surroundings = {
  bus: Bus
  conversations: Conversations
  objects: Objects
  events: EventLog
  protection: Pick<Protection, 'keys'> | undefined
  log: Log
  /** Where replies are pushed. */
  channel: Channel
}

/** What is behind the gateway's routes, without HTTP. */
export type GatewayRooms = Pick<Rooms, 'parts' | 'intake' | 'live' | 'closing'>

/** The gateway as `buildGateway` puts it together, up to its routes. */
export function openRooms({ bus, conversations, objects, events, protection, log, channel }: Surroundings): {
  rooms: GatewayRooms
  close(): Promise<void>
} {
  const catalogue = openCatalogue(conversations.documents)
  const parts: Parts = {
    bus,
    conversations,
    objects,
    log,
    events,
    protection,
    // There is no configuration in this folder: the defaults.
    config: readConfig(import.meta.dirname, 'gateway'),
    ownerToken: '',
    model: async () => 'lares',
    checks: {},
    skills: async () => (await catalogue.skills()).map(({ name }) => name),
  }
  const closing = new AbortController()
  const live = openLive(parts)
  const pressure = openPressure(conversations.history, parts.config.maxWaiting, Date.now)
  const breaker = openBreaker(() => Promise.all([bus.check(), conversations.check()]), log)
  const intake = openIntake(parts, { live, pressure, breaker })
  const { documents } = conversations
  const outbox = openOutbox(channel, { bus, documents, objects, log, baseMs: 500, maxMs: 5_000 })
  return {
    rooms: { parts, live, intake, closing: closing.signal },
    async close() {
      closing.abort()
      breaker.close()
      await Promise.all([live.close(), outbox.close()])
    },
  }
}
