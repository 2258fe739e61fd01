import { join } from 'node:path'
import type { Logger } from '../base/log.ts'
import { loadOptional } from '../base/optional-package.ts'
import type { Bus } from '../bus/bus.ts'
import type { Environment } from '../config/environment.ts'
import type { ObjectStore } from '../objects/objects.ts'
import type { Store } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'

// The drivers that the environment chooses, without decryption: their content stays encrypted. For `drivers.ts`, and
// for backups.

export async function openRawBus(environment: Environment, log: Logger): Promise<Bus> {
  if (environment.bus === 'sqlite') {
    const { openSqliteBus } = await import('../bus/sqlite/sqlite-bus.ts')
    return openSqliteBus({ file: join(environment.dataDirectory, 'bus.db'), log })
  }
  const { openKafkaBus } = await import('../bus/kafka/kafka-bus.ts')
  return openKafkaBus({ brokers: environment.kafkaBrokers, client: environment.kafkaClient, log })
}

export async function openRawObjects(environment: Environment): Promise<ObjectStore> {
  if (environment.s3) {
    const { openMinioObjects } = await loadOptional(() => import('../objects/minio.ts'))
    return openMinioObjects(environment.s3)
  }
  const [{ openFolderObjects }, { markFolderFormat }] = await Promise.all([
    import('../objects/folder.ts'),
    import('../objects/format.ts'),
  ])
  const folder = join(environment.dataDirectory, 'objects')
  await markFolderFormat(folder)
  return openFolderObjects(folder, environment.coldFolder)
}

export async function openRawVectors(environment: Environment, log: Logger): Promise<Vectors> {
  if (environment.qdrant) {
    const { openQdrantVectors } = await loadOptional(() => import('../vectors/qdrant.ts'))
    return openQdrantVectors(environment.qdrant)
  }
  const { openSqliteVectors } = await import('../vectors/sqlite.ts')
  return openSqliteVectors(join(environment.dataDirectory, 'vectors.db'), log)
}

export async function openRawStore(environment: Environment, log: Logger): Promise<Store> {
  if (environment.database) {
    const { openPostgresStore } = await loadOptional(() => import('../store/postgres/postgres-store.ts'))
    return openPostgresStore({ ...environment.database, log })
  }
  const { openSqliteStore } = await import('../store/sqlite/sqlite-store.ts')
  return openSqliteStore(join(environment.dataDirectory, 'conversations.db'), Date.now, log)
}
