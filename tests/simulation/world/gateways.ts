import type { OutboundChannel } from '../../../gateway/channels/channel.ts'
import type { GatewayContext } from '../../../gateway/context.ts'
import { openDispatcher } from '../../../gateway/delivery/dispatcher.ts'
import { openAdmission } from '../../../gateway/ingress/admission.ts'
import { createCircuitBreaker } from '../../../gateway/ingress/circuit-breaker.ts'
import { openIntake } from '../../../gateway/ingress/intake.ts'
import { openLiveUpdates } from '../../../gateway/live/live-updates.ts'
import type { GatewayOptions } from '../../../gateway/options.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import type { Objects } from '../../../shared/objects/objects.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import { noAudit, noProtection } from '../../../shared/protection/unprotected.ts'
import type { Records, Store } from '../../../shared/store/store.ts'
import { operationsWithoutFunctions } from '../../support/operations.ts'
import { GROUP } from '../plan.ts'

export type GatewayDependencies = {
  bus: Bus
  store: Store
  objects: Objects
  events: EventLog
  protection: Pick<Protection, 'keys'> | undefined
  log: Logger
  /** The receivers of pushed replies, each with the store as its dispatcher sees it. */
  outlets: { channel: OutboundChannel; records: Records }[]
}

/** The code behind the gateway's routes, without HTTP. */
export type SimulatedGatewayContext = Pick<GatewayContext, 'options' | 'intake' | 'liveUpdates' | 'closing'>

/** The gateway as `buildGateway` puts it together, up to its routes. */
export function openSimulatedGateway({
  bus,
  store,
  objects,
  events,
  protection,
  log,
  outlets,
}: GatewayDependencies): {
  rooms: SimulatedGatewayContext
  close(): Promise<void>
} {
  const catalogue = openCatalogue(store.records)
  const options: GatewayOptions = {
    bus,
    store: store,
    objects,
    log,
    events,
    audit: noAudit,
    operations: operationsWithoutFunctions({ bus, objects, store }),
    protection: protection ?? noProtection,
    // This folder has no configuration, so the defaults apply.
    config: {
      ...readConfig(import.meta.dirname, 'gateway'),
      groups: [{ id: GROUP.id, members: [...GROUP.members] }],
    },
    ownerToken: '',
    model: async () => 'lares',
    checks: {},
    skillNames: async () => (await catalogue.skills()).map(({ name }) => name),
  }
  const closing = new AbortController()
  const liveUpdates = openLiveUpdates(options)
  const admission = openAdmission(store.history, options.config.maxWaiting, Date.now)
  const circuitBreaker = createCircuitBreaker(() => Promise.all([bus.check(), store.check()]), log)
  const intake = openIntake(options, {
    liveUpdates: liveUpdates,
    admission: admission,
    circuitBreaker: circuitBreaker,
  })
  const dispatchers = outlets.map(({ channel, records }) =>
    openDispatcher(channel, { bus, records, objects, log, baseBackoffMs: 500, maxBackoffMs: 5_000 }),
  )
  return {
    rooms: { options: options, liveUpdates: liveUpdates, intake, closing: closing.signal },
    async close() {
      closing.abort()
      circuitBreaker.close()
      await Promise.all([liveUpdates.close(), ...dispatchers.map(dispatcher => dispatcher.close())])
    },
  }
}
