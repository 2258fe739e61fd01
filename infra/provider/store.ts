import * as z from 'zod'
import { openDatabase } from '../../shared/base/sqlite/database.ts'
import { type Manifest, manifestSchema } from '../../shared/contract/catalogue.ts'
import type { Deployment } from './deployment.ts'
import type { Replica } from './fleet/replica.ts'

const MIGRATIONS = [
  `CREATE TABLE functions (name TEXT PRIMARY KEY, deployment TEXT NOT NULL, version TEXT NOT NULL,
     manifest TEXT, created_at INTEGER NOT NULL, replicas INTEGER NOT NULL) STRICT;
   CREATE TABLE instances (id TEXT PRIMARY KEY, function TEXT NOT NULL, version TEXT NOT NULL, instance TEXT NOT NULL) STRICT;
   CREATE TABLE calls (id TEXT PRIMARY KEY, call TEXT NOT NULL, body BLOB NOT NULL) STRICT`,
  `ALTER TABLE functions ADD COLUMN content TEXT NOT NULL DEFAULT ''`,
]

export type StoredFunction = {
  deployment: Deployment
  /** The digest of its image. */
  content: string
  version: string
  manifest: Manifest | undefined
  createdAt: number
  replicas: number
}

export type StoredReplica = { function: string; version: string; replica: Replica }

/** An asynchronous call that was accepted and is not answered yet. */
export type StoredCall = { id: string; call: Record<string, unknown>; body: Uint8Array }

/** The provider's state on disk. Each change is durable when its method returns. */
export type ProviderStore = {
  functions(): StoredFunction[]
  saveFunction(known: StoredFunction): void
  removeFunction(name: string): void
  replicas(): StoredReplica[]
  saveReplica(known: StoredReplica): void
  removeReplica(id: string): void
  calls(): StoredCall[]
  saveCall(call: StoredCall): void
  removeCall(id: string): void
  close(): void
}

const replicaSchema = z.object({
  id: z.string(),
  origin: z.string(),
  handle: z.record(z.string(), z.union([z.string(), z.number()])),
})

type Row = Record<string, string | number | Uint8Array | null>

export function openProviderStore(file: string): ProviderStore {
  const database = openDatabase(file, MIGRATIONS)
  const all = (sql: string) => database.prepare(sql).all() as Row[]
  const run = (sql: string, ...values: (string | number | Uint8Array | null)[]) =>
    void database.prepare(sql).run(...values)
  return {
    functions: () => all('SELECT * FROM functions ORDER BY name').map(functionFromRow),
    saveFunction: known =>
      run(
        'INSERT OR REPLACE INTO functions (name, deployment, version, manifest, created_at, replicas, content) VALUES (?, ?, ?, ?, ?, ?, ?)',
        known.deployment.name,
        JSON.stringify(known.deployment),
        known.version,
        known.manifest === undefined ? null : JSON.stringify(known.manifest),
        known.createdAt,
        known.replicas,
        known.content,
      ),
    removeFunction: name => run('DELETE FROM functions WHERE name = ?', name),
    replicas: () =>
      all('SELECT * FROM instances').map(row => ({
        function: String(row.function),
        version: String(row.version),
        replica: replicaSchema.parse(JSON.parse(String(row.instance))),
      })),
    saveReplica: known =>
      run(
        'INSERT OR REPLACE INTO instances (id, function, version, instance) VALUES (?, ?, ?, ?)',
        known.replica.id,
        known.function,
        known.version,
        JSON.stringify(known.replica),
      ),
    removeReplica: id => run('DELETE FROM instances WHERE id = ?', id),
    calls: () =>
      all('SELECT * FROM calls ORDER BY rowid').map(row => ({
        id: String(row.id),
        call: JSON.parse(String(row.call)),
        body: row.body as Uint8Array,
      })),
    saveCall: ({ id, call, body }) =>
      run('INSERT OR REPLACE INTO calls (id, call, body) VALUES (?, ?, ?)', id, JSON.stringify(call), body),
    removeCall: id => run('DELETE FROM calls WHERE id = ?', id),
    close: () => database.close(),
  }
}

const functionFromRow = (row: Row): StoredFunction => ({
  deployment: JSON.parse(String(row.deployment)),
  content: String(row.content),
  version: String(row.version),
  manifest: row.manifest === null ? undefined : manifestSchema.parse(JSON.parse(String(row.manifest))),
  createdAt: Number(row.created_at),
  replicas: Number(row.replicas),
})
