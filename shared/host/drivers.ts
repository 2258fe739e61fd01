import { join } from 'node:path'
import type { Logger } from '../base/log.ts'
import type { Bus } from '../bus/bus.ts'
import type { Environment } from '../config/environment.ts'
import type { ServiceName, Services } from '../contract/context.ts'
import { type EventLog, openEventLog } from '../contract/events/event-log.ts'
import { openEmbedder } from '../models/embedder.ts'
import { lazyTextGenerator } from '../models/lazy-models.ts'
import type { Embedder, Models, TextGenerator } from '../models/models.ts'
import type { ObjectStore } from '../objects/objects.ts'
import { meteredEventLog } from '../observability/metered-events.ts'
import { meteredModels } from '../observability/metered-models.ts'
import { meteredStore } from '../observability/metered-store.ts'
import { type Metrics, openMetrics } from '../observability/metrics.ts'
import { requireNoUnfinishedRestore } from '../operations/restore-state.ts'
import type { Audit } from '../protection/audit/audit.ts'
import { openOwnerCache, storedOwners } from '../protection/owners.ts'
import { openProtection, type Protection, requirePlainStore } from '../protection/protection.ts'
import type { Store } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'
import { openRawBus, openRawObjects, openRawStore, openRawVectors } from './raw-drivers.ts'

/** The drivers that the environment chooses. Each is loaded and opened at its first use, and then kept. */
export type Drivers = {
  bus(): Promise<Bus>
  /** The log with its stored, encrypted records, for backups. It is closed with the bus. */
  rawBus(): Promise<Bus>
  store(): Promise<Store>
  objects(): Promise<ObjectStore>
  vectors(): Promise<Vectors>
  models(): Promise<Models>
  events(): Promise<EventLog>
  audit(): Promise<Audit>
  /** The keys that encrypt all of these drivers' data; undefined with LARES_PROTECTION=off. */
  protection: Protection | undefined
  /** The services that a function gets for its `uses`. */
  services(uses: Iterable<ServiceName>): Promise<Partial<Services>>
  /** This process's metrics; the drivers already count here. */
  metrics: Metrics
  /** Closes all drivers, in the reverse order of opening. */
  close(): Promise<void>
}

export function openDrivers(environment: Environment, log: Logger): Drivers {
  const metrics = openMetrics()
  const closeables: { close?(): Promise<void> }[] = []
  const lazyDriver = <T extends object>(open: () => Promise<T>) => {
    let value: Promise<T> | undefined
    const keep = (driver: T) => {
      closeables.push(driver)
      return driver
    }
    return () => (value ??= open().then(keep))
  }
  const protection = openProtection(environment, log)
  if (protection) closeables.push(protection)
  const owners = openOwnerCache()
  const stored = storedOwners(async () => (await store()).history)
  let unprotectedBus: Promise<Bus> | undefined
  const bus = lazyDriver(async () => {
    unprotectedBus = openRawBus(environment, log)
    const driver = await unprotectedBus
    if (!protection) return driver
    const { protectedBus } = await import('../protection/stores/protected-bus.ts')
    return protectedBus(driver, { keys: protection.keys, owners, stored })
  })
  const store = lazyDriver(async () => {
    await (protection ? protection.ready() : requirePlainStore(environment))
    const driver = await openRawStore(environment, log)
    await requireNoUnfinishedRestore(driver.records)
    if (!protection) return meteredStore(driver, metrics)
    const { protectedStore } = await import('../protection/stores/protected-store.ts')
    return meteredStore(protectedStore(driver, protection.keys), metrics)
  })
  const objects = lazyDriver(async () => {
    const driver = await openRawObjects(environment)
    if (!protection) return driver
    return (await import('../protection/stores/protected-objects.ts')).protectedObjects(
      driver,
      protection.keys,
    )
  })
  const vectors = lazyDriver(async () => {
    const driver = await openRawVectors(environment, log)
    if (!protection) return driver
    return (await import('../protection/stores/protected-vectors.ts')).protectedVectors(
      driver,
      protection.keys,
    )
  })
  const models = lazyDriver(async () =>
    meteredModels(
      combineModels(
        lazyTextGenerator(() => openGenerator(environment, log)),
        openEmbedder(environment, log),
      ),
      environment.openai ? 'openai' : 'llama',
      metrics,
    ),
  )
  const open: { [A in ServiceName]: () => Promise<Services[A]> } = {
    models,
    store,
    records: async () => (await store()).records,
    timers: async () => (await store()).timers,
    vectors,
    objects,
    async catalogue() {
      const { openCatalogue } = await import('../contract/catalogue.ts')
      return openCatalogue((await store()).records)
    },
    async assistant() {
      const { readConfig } = await import('../config/files.ts')
      return readConfig(environment.configDirectory, 'assistant')
    },
  }
  return {
    bus,
    async rawBus() {
      await bus()
      return await unprotectedBus!
    },
    store,
    objects,
    vectors,
    models,
    protection,
    async audit() {
      const { openAudit } = await import('../protection/audit/audit.ts')
      return openAudit({ store: (await store()).audit, protection })
    },
    events: async () => {
      const log = openEventLog(await bus(), await objects(), {
        recordOwner: owners.recordOwner,
        recordSender: owners.recordSender,
        ...stored,
      })
      return meteredEventLog(log, environment.bus, metrics)
    },
    metrics,
    async services(uses) {
      const pairs = [...new Set(uses)].map(async ability => [ability, await open[ability]()] as const)
      return Object.fromEntries(await Promise.all(pairs))
    },
    async close() {
      for (const driver of closeables.reverse()) await driver.close?.()
    },
  }
}

function combineModels(generator: TextGenerator, embedder: Embedder): Models {
  const close = async () => {
    await embedder.close()
    await generator.close()
  }
  return { ...generator, embed: embedder.embed, close }
}

async function openGenerator(environment: Environment, log: Logger): Promise<TextGenerator> {
  if (environment.openai) {
    const { openOpenAIModels } = await import('../models/openai/openai.ts')
    return openOpenAIModels({ ...environment.openai, model: environment.model })
  }
  const [{ openLlamaModels }, { ensureModelFile }] = await Promise.all([
    import('../models/llama/llama.ts'),
    import('../models/llama/model-file.ts'),
  ])
  const modelFile =
    environment.model ??
    (await ensureModelFile({ cacheDir: join(environment.cacheDirectory, 'models'), log }))
  return openLlamaModels({ modelFile, log })
}
