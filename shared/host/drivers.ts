import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import type { Bus } from '../bus/bus.ts'
import type { Environment } from '../config/environment.ts'
import type { Ability, Services } from '../contract/context.ts'
import { type EventLog, openEventLog } from '../contract/events/event-log.ts'
import { openEmbedder } from '../models/embedder.ts'
import { lazyModels } from '../models/lazy-models.ts'
import type { Embedder, Models, TextGenerator } from '../models/models.ts'
import type { ObjectStore } from '../objects/objects.ts'
import { meteredEvents } from '../observability/metered-events.ts'
import { meteredModels } from '../observability/metered-models.ts'
import { meteredConversations } from '../observability/metered-store.ts'
import { type Metrics, openMetrics } from '../observability/metrics.ts'
import type { Audit } from '../protection/audit/audit.ts'
import { openOwners } from '../protection/owners.ts'
import { openProtection, type Protection } from '../protection/protection.ts'
import type { Conversations } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'

/** The drivers that the environment chooses, each opened (and its code loaded) at its first use, and then kept. */
export type Drivers = {
  bus(): Promise<Bus>
  conversations(): Promise<Conversations>
  objects(): Promise<ObjectStore>
  vectors(): Promise<Vectors>
  models(): Promise<Models>
  events(): Promise<EventLog>
  audit(): Promise<Audit>
  /** The keys that all of these are encrypted with; undefined when LARES_PROTECTION=off says so. */
  protection: Protection | undefined
  /** What a function that `uses` these gets. */
  services(uses: Iterable<Ability>): Promise<Partial<Services>>
  /** What this process counts; the drivers count here already. */
  metrics: Metrics
  /** Closes what was opened, in the reverse order. */
  close(): Promise<void>
}

export function openDrivers(environment: Environment, log: Log): Drivers {
  const metrics = openMetrics()
  const opened: { close?(): Promise<void> }[] = []
  const once = <T extends object>(open: () => Promise<T>) => {
    let value: Promise<T> | undefined
    const keep = (driver: T) => {
      opened.push(driver)
      return driver
    }
    return () => (value ??= open().then(keep))
  }
  const protection = openProtection(environment, log)
  if (protection) opened.push(protection)
  const owners = openOwners()
  const ownerOf = async (conversation: string) =>
    (await (await conversations()).history.conversation(conversation))?.person
  const bus = once(async () => {
    const driver = await openBus(environment, log)
    if (!protection) return driver
    const { protectedBus } = await import('../protection/stores/protected-bus.ts')
    return protectedBus(driver, { keys: protection.keys, owners, ownerOf })
  })
  const conversations = once(async () => {
    await protection?.ready()
    const driver = await openConversations(environment, log)
    if (!protection) return meteredConversations(driver, metrics)
    const { protectedConversations } = await import('../protection/stores/protected-store.ts')
    return meteredConversations(protectedConversations(driver, protection.keys), metrics)
  })
  const objects = once(async () => {
    const driver = await openObjects(environment)
    if (!protection) return driver
    return (await import('../protection/stores/protected-objects.ts')).protectedObjects(
      driver,
      protection.keys,
    )
  })
  const vectors = once(async () => {
    const driver = await openVectors(environment)
    if (!protection) return driver
    return (await import('../protection/stores/protected-vectors.ts')).protectedVectors(
      driver,
      protection.keys,
    )
  })
  const models = once(async () =>
    meteredModels(
      joinModels(
        lazyModels(() => openGenerator(environment, log)),
        openEmbedder(environment, log),
      ),
      environment.openai ? 'openai' : 'llama',
      metrics,
    ),
  )
  const open: { [A in Ability]: () => Promise<Services[A]> } = {
    models,
    conversations,
    documents: async () => (await conversations()).documents,
    timers: async () => (await conversations()).timers,
    vectors,
    objects,
    async catalogue() {
      const { openCatalogue } = await import('../contract/catalogue.ts')
      return openCatalogue((await conversations()).documents)
    },
    async assistant() {
      const { readConfig } = await import('../config/files.ts')
      return readConfig(environment.configDirectory, 'assistant')
    },
  }
  return {
    bus,
    conversations,
    objects,
    vectors,
    models,
    protection,
    async audit() {
      const { openAudit } = await import('../protection/audit/audit.ts')
      return openAudit({ store: (await conversations()).audit, protection })
    },
    events: async () => {
      const log = openEventLog(await bus(), await objects(), { learn: owners.learn, ownerOf })
      return meteredEvents(log, environment.bus, metrics)
    },
    metrics,
    async services(uses) {
      const pairs = [...new Set(uses)].map(async ability => [ability, await open[ability]()] as const)
      return Object.fromEntries(await Promise.all(pairs))
    },
    async close() {
      for (const driver of opened.reverse()) await driver.close?.()
    },
  }
}

async function openBus(environment: Environment, log: Log): Promise<Bus> {
  if (environment.bus === 'sqlite') {
    const { openSqliteBus } = await import('../bus/sqlite/sqlite-bus.ts')
    return openSqliteBus({ file: join(environment.home, 'bus.db') })
  }
  const { openKafkaBus } = await import('../bus/kafka/kafka-bus.ts')
  return openKafkaBus({ brokers: environment.kafkaBrokers, client: environment.kafkaClient, log })
}

async function openObjects(environment: Environment): Promise<ObjectStore> {
  if (environment.s3) {
    const { openMinioObjects } = await import('../objects/minio.ts')
    return openMinioObjects(environment.s3)
  }
  const { openFolderObjects } = await import('../objects/folder.ts')
  return openFolderObjects(join(environment.home, 'objects'), environment.coldFolder)
}

async function openVectors(environment: Environment): Promise<Vectors> {
  if (environment.qdrant) {
    const { openQdrantVectors } = await import('../vectors/qdrant.ts')
    return openQdrantVectors(environment.qdrant)
  }
  const { openSqliteVectors } = await import('../vectors/sqlite.ts')
  return openSqliteVectors(join(environment.home, 'vectors.db'))
}

async function openConversations(environment: Environment, log: Log): Promise<Conversations> {
  if (environment.database) {
    const { openPostgresConversations } = await import('../store/postgres/postgres-store.ts')
    return openPostgresConversations({ ...environment.database, log })
  }
  const { openSqliteConversations } = await import('../store/sqlite/sqlite-store.ts')
  return openSqliteConversations(join(environment.home, 'conversations.db'))
}

function joinModels(generator: TextGenerator, embedder: Embedder): Models {
  const close = async () => {
    await embedder.close()
    await generator.close()
  }
  return { ...generator, embed: embedder.embed, close }
}

async function openGenerator(environment: Environment, log: Log): Promise<TextGenerator> {
  if (environment.openai) {
    const { openOpenAIModels } = await import('../models/openai/openai.ts')
    return openOpenAIModels({ ...environment.openai, model: environment.model })
  }
  const [{ openLlamaModels }, { ensureModelFile }] = await Promise.all([
    import('../models/llama/llama.ts'),
    import('../models/llama/model-file.ts'),
  ])
  const modelFile =
    environment.model ?? (await ensureModelFile({ cacheDir: join(environment.cache, 'models'), log }))
  return openLlamaModels({ modelFile, log })
}
