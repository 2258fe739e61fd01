import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readSchemaVersion } from '../base/sqlite/migrations.ts'
import type { Environment } from '../config/environment.ts'

/** The formats that this Lares writes, by the name of the data. docs/upgrades.md has the same table. */
export async function knownVersions() {
  const [bus, store, vectors, ring, postgresStore, postgresRing, objects, records] = await Promise.all([
    import('../bus/sqlite/record-store.ts'),
    import('../store/sqlite/sqlite-store.ts'),
    import('../vectors/sqlite.ts'),
    import('../protection/ring/sqlite-ring.ts'),
    import('../store/postgres/schema.ts'),
    import('../protection/ring/postgres-ring.ts'),
    import('../objects/format.ts'),
    import('../contract/events/kafka-binding.ts'),
  ])
  return {
    'bus.db': bus.migrations.length,
    'conversations.db': store.migrations.length,
    'vectors.db': vectors.migrations.length,
    'keys.db': ring.migrations.length,
    'schema lares': postgresStore.migrations.length,
    'schema lares_keys': postgresRing.migrations.length,
    objects: objects.OBJECTS_FORMAT,
    'records on the log': records.RECORD_FORMAT,
  }
}

export type FoundVersion = { what: string; found: number; known: number }

/** The versions of the files in the data directory. Reading changes nothing; missing files are left out. */
export async function readVersions(
  { dataDirectory, bus, database, qdrant }: Environment,
  isLogLocked: boolean,
): Promise<FoundVersion[]> {
  const known = await knownVersions()
  const names = [
    ...(bus === 'sqlite' && !isLogLocked ? (['bus.db'] as const) : []),
    ...(database === undefined ? (['conversations.db', 'keys.db'] as const) : []),
    ...(qdrant === undefined ? (['vectors.db'] as const) : []),
  ]
  return names
    .map(name => ({ name, file: join(dataDirectory, name) }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => ({ what: file, found: readFileVersion(file), known: known[name] }))
}

function readFileVersion(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return readSchemaVersion(database)
  } finally {
    database.close()
  }
}
