import * as z from 'zod'
import { openDatabase } from '../../shared/base/sqlite/database.ts'
import { type Manifest, manifest } from '../../shared/contract/catalogue.ts'
import type { Deployment } from './deployment.ts'
import type { Instance } from './fleet/instances.ts'

const MIGRATIONS = [
  `CREATE TABLE functions (name TEXT PRIMARY KEY, deployment TEXT NOT NULL, version TEXT NOT NULL,
     manifest TEXT, created_at INTEGER NOT NULL, replicas INTEGER NOT NULL) STRICT;
   CREATE TABLE instances (id TEXT PRIMARY KEY, function TEXT NOT NULL, version TEXT NOT NULL, instance TEXT NOT NULL) STRICT;
   CREATE TABLE calls (id TEXT PRIMARY KEY, call TEXT NOT NULL, body BLOB NOT NULL) STRICT`,
  `ALTER TABLE functions ADD COLUMN content TEXT NOT NULL DEFAULT ''`,
]

export type StoredFunction = {
  deployment: Deployment
  /** What its image held. */
  content: string
  version: string
  manifest: Manifest | undefined
  createdAt: number
  replicas: number
}

export type StoredInstance = { function: string; version: string; instance: Instance }

/** An asynchronous call that was accepted and is not answered yet. */
export type StoredCall = { id: string; call: Record<string, unknown>; body: Uint8Array }

/** What the provider knows, on disk: each change is durable when its method returns. */
export type Store = {
  functions(): StoredFunction[]
  saveFunction(known: StoredFunction): void
  removeFunction(name: string): void
  instances(): StoredInstance[]
  saveInstance(known: StoredInstance): void
  removeInstance(id: string): void
  calls(): StoredCall[]
  saveCall(call: StoredCall): void
  removeCall(id: string): void
  close(): void
}

const instance = z.object({
  id: z.string(),
  origin: z.string(),
  handle: z.record(z.string(), z.union([z.string(), z.number()])),
})

type Row = Record<string, string | number | Uint8Array | null>

export function openStore(file: string): Store {
  const database = openDatabase(file, MIGRATIONS)
  const all = (sql: string) => database.prepare(sql).all() as Row[]
  const run = (sql: string, ...values: (string | number | Uint8Array | null)[]) =>
    void database.prepare(sql).run(...values)
  return {
    functions: () => all('SELECT * FROM functions ORDER BY name').map(functionOf),
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
    instances: () =>
      all('SELECT * FROM instances').map(row => ({
        function: String(row.function),
        version: String(row.version),
        instance: instance.parse(JSON.parse(String(row.instance))),
      })),
    saveInstance: known =>
      run(
        'INSERT OR REPLACE INTO instances (id, function, version, instance) VALUES (?, ?, ?, ?)',
        known.instance.id,
        known.function,
        known.version,
        JSON.stringify(known.instance),
      ),
    removeInstance: id => run('DELETE FROM instances WHERE id = ?', id),
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

const functionOf = (row: Row): StoredFunction => ({
  deployment: JSON.parse(String(row.deployment)),
  content: String(row.content),
  version: String(row.version),
  manifest: row.manifest === null ? undefined : manifest.parse(JSON.parse(String(row.manifest))),
  createdAt: Number(row.created_at),
  replicas: Number(row.replicas),
})
