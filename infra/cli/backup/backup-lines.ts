import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { personOfKey } from '../../../shared/objects/person-folder.ts'
import type { LogCopy } from '../../../shared/operations/log-copy.ts'
import { AUDIT_ANCHOR_NAME } from '../../../shared/protection/audit/audit.ts'
import type { KeyRing } from '../../../shared/protection/ring/ring.ts'
import type { Store, StoreSnapshot } from '../../../shared/store/store.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'
import { encodeVector } from '../data/vector-text.ts'
import type { BackupLine } from './backup-format.ts'

/** The stores without decryption. */
export type RawStores = {
  store: Store
  vectors: Vectors
  objects: ObjectStore
  /** Undefined when the instance encrypts nothing. */
  ring: KeyRing | undefined
}

/** The bytes of an object in one line; base64 makes the line a third longer. */
const CHUNK_BYTES = 48 * 1024
/** The number of rows in a page of the audit log, for SQLite and PostgreSQL. */
const AUDIT_PAGE_SIZE = 500
/** The names of the anchors in the key ring. */
const ANCHORS = [AUDIT_ANCHOR_NAME]

/**
 * Yields all data of a deployment while it runs. The order makes the copy consistent: each thing follows everything
 * that refers to it or says that it is done. It is: positions on the log, the store at one moment, records of the log,
 * vectors and objects, keys. docs/upgrades.md has the argument.
 */
export async function* backupLines(
  log: LogCopy,
  stores: RawStores,
  { withKeys }: { withKeys: boolean },
): AsyncGenerator<BackupLine> {
  for (const position of await log.positions()) yield { kind: 'position', ...position }
  const snapshot = await stores.store.copy.snapshot()
  let people: string[]
  try {
    people = await peopleOf(snapshot, stores.objects)
    yield* storeLines(snapshot, people)
  } finally {
    await snapshot.close()
  }
  for await (const record of log.records()) yield { kind: 'record', ...record }
  yield* vectorLines(stores.vectors, people)
  yield* objectLines(stores.objects)
  if (stores.ring) yield* keyLines(stores.ring, withKeys)
}

async function peopleOf({ rows }: StoreSnapshot, objects: ObjectStore): Promise<string[]> {
  const people = new Set(['', ...(await rows.people())])
  for await (const key of objects.list('people/')) people.add(personOfKey(key))
  return [...people].sort()
}

async function* storeLines(
  { rows, journal, audit }: StoreSnapshot,
  people: string[],
): AsyncGenerator<BackupLine> {
  for (const person of people) {
    let place = 0
    for await (const row of rows.read(person)) {
      if (row.kind === 'conversation') place = 0
      yield row.kind === 'message' ? { ...row, place: ++place } : row
    }
  }
  for await (const entry of journal()) yield { kind: 'journal', ...entry }
  for (let after = 0; ; ) {
    const page = await audit.read(after, AUDIT_PAGE_SIZE)
    for (const { sequence, id, text, hash } of page) yield { kind: 'audit', sequence, id, text, hash }
    if (page.length < AUDIT_PAGE_SIZE) return
    after = page.at(-1)!.sequence
  }
}

async function* vectorLines(vectors: Vectors, people: string[]): AsyncGenerator<BackupLine> {
  for (const model of await vectors.models()) {
    const index = await vectors.index(model)
    for (const person of people)
      for await (const { id, values } of index.read(person))
        yield { kind: 'vector', model, person, id, values: encodeVector(values) }
  }
}

async function* objectLines(objects: ObjectStore): AsyncGenerator<BackupLine> {
  for await (const key of objects.list('')) {
    const { metadata, data } = await objects.read(key)
    const { mediaType, bytes, sha256 } = metadata
    yield { kind: 'object', key, mediaType, bytes, sha256 }
    let pending = Buffer.alloc(0)
    for await (const chunk of data) {
      pending = Buffer.concat([pending, chunk])
      for (; pending.length >= CHUNK_BYTES; pending = pending.subarray(CHUNK_BYTES))
        yield { kind: 'bytes', data: pending.toString('base64', 0, CHUNK_BYTES) }
    }
    if (pending.length > 0) yield { kind: 'bytes', data: pending.toString('base64') }
  }
}

/** Yields the keys if `withKeys` is set, and always the anchors of the audit log, which are not secret. */
async function* keyLines(ring: KeyRing, withKeys: boolean): AsyncGenerator<BackupLine> {
  for (const { person, id, master, wrapped, createdAt } of withKeys ? await ring.all() : [])
    yield { kind: 'key', person, id, master, wrapped, createdAt }
  for (const name of ANCHORS) {
    const anchor = await ring.getAnchor(name)
    if (anchor) yield { kind: 'anchor', name, sequence: anchor.sequence, hash: anchor.hash }
  }
}
