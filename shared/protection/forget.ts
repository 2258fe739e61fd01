import { setTimeout as wait } from 'node:timers/promises'
import type { ObjectStore } from '../objects/objects.ts'
import { personFolder } from '../objects/person-folder.ts'
import type { ErasedCounts, Store } from '../store/store.ts'
import type { Vectors } from '../vectors/vectors.ts'
import type { Audit } from './audit/audit.ts'
import { KEY_CACHE_TTL_MS } from './keys.ts'
import type { Protection } from './protection.ts'

export type ErasureDependencies = {
  store: Store
  vectors: Vectors
  objects: ObjectStore
  audit: Audit
  /**
   * Without protection there are no keys. The rows are then removed, but the log and backups keep the person's data.
   */
  protection: Pick<Protection, 'keys'> | undefined
}

export type ErasureReport = ErasedCounts & { person: string; keys: number; vectors: number; objects: number }

/** After this time every process knows that the key is destroyed, and has finished the writes that it had begun. */
const SETTLE_MS = KEY_CACHE_TTL_MS + 1_000

/**
 * Forgets a person. First it destroys the key: from then on nobody can read the person's data in any store, the log or
 * a backup. Then it removes all rows, and removes them again when no process can use the key any longer. A repeated
 * call does the remaining work. A person who speaks under that name afterwards is new. Errors: `unavailable`; the work
 * may then be done in part, and the caller must repeat it. `invalid_request` for a name that no person can have.
 */
export async function erasePerson(person: string, dependencies: ErasureDependencies): Promise<ErasureReport> {
  // Before anything is destroyed: an empty name would be the system's own key.
  personFolder(person)
  const { protection, audit } = dependencies
  await audit.record({ action: 'forgot', by: 'operator', person })
  let keys = 0
  const destroyKey = async () => {
    if (await protection?.keys.destroy(person)) keys++
  }
  await destroyKey()
  const first = await removeRows(person, dependencies)
  await wait(SETTLE_MS)
  // A running step may have written meanwhile, even under a new key.
  await destroyKey()
  const second = await removeRows(person, dependencies)
  return { person, keys, ...addCounts(first, second) }
}

type RemovedCounts = Omit<ErasureReport, 'person' | 'keys'>

async function removeRows(
  person: string,
  { store, vectors, objects }: ErasureDependencies,
): Promise<RemovedCounts> {
  const rows = await store.rows.erase(person)
  return { ...rows, vectors: await vectors.erase(person), objects: await removeObjects(person, objects) }
}

async function removeObjects(person: string, objects: ObjectStore): Promise<number> {
  let count = 0
  for await (const key of objects.list(personFolder(person))) {
    await objects.delete(key)
    count++
  }
  return count
}

const addCounts = (a: RemovedCounts, b: RemovedCounts): RemovedCounts => ({
  conversations: a.conversations + b.conversations,
  messages: a.messages + b.messages,
  documents: a.documents + b.documents,
  timers: a.timers + b.timers,
  vectors: a.vectors + b.vectors,
  objects: a.objects + b.objects,
})
