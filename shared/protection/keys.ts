import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LaresError } from '../base/errors.ts'
import { type DataKey, deriveDataKey } from './envelope.ts'
import type { MasterKey, MasterKeys } from './master-key.ts'
import type { KeyRing, KeyRingEntry } from './ring/ring.ts'

/** People's keys, as this process uses them. The process reads a cached key from the ring again after `cacheTtlMs`. */
export type Keys = {
  /** The person's key, created if missing. Errors: `unavailable`; `invalid_config` if no master key here unwraps it. */
  getOrCreate(person: string): Promise<DataKey>
  /**
   * The same for callers that work on a person's behalf: work begun for a person must not be stored under a new key
   * after that person was forgotten. Errors: those of `getOrCreate`; `forgotten` if the person has no key.
   */
  require(person: string): Promise<DataKey>
  /** The same for callers that only read: undefined if the person has no key. */
  find(person: string): Promise<DataKey | undefined>
  /** Undefined if the key was destroyed. Errors: those of `getOrCreate`. */
  byId(id: string): Promise<DataKey | undefined>
  /** The same from the cache, for callers that cannot wait: undefined also if the ring would have to be asked. */
  cachedById(id: string): DataKey | undefined
  /** The person's key from the cache. */
  cachedByPerson(person: string): DataKey | undefined
  /** The id of the person's key, if there is one. */
  idOf(person: string): Promise<string | undefined>
  /** Returns false if the person had no key. */
  destroy(person: string): Promise<boolean>
  /** Rewraps with the first master key all keys that another master key wrapped; returns how many. */
  rewrap(): Promise<number>
}

/** For this long another process may still use a destroyed key. */
export const KEY_CACHE_TTL_MS = 2_000

export type KeysOptions = {
  ring: KeyRing
  masterKeys: MasterKeys
  cacheTtlMs?: number
  /** Milliseconds of a monotonic clock: a clock that is set back would make a destroyed key fresh again. */
  now?: () => number
}

/**
 * Opens the keys of an instance; a new instance gets a master key. Errors: `invalid_config` if the master key does not
 * match the ring, or is missing while the ring holds keys that it wrapped.
 */
export async function openKeys({
  ring,
  masterKeys,
  cacheTtlMs = KEY_CACHE_TTL_MS,
  now = () => performance.now(),
}: KeysOptions): Promise<Keys> {
  const wrapper = openKeyWrapper(masterKeys)
  const cache = new Map<string, { key: DataKey; atMs: number }>()
  const destroyedIds = new Set<string>()
  const idsByPerson = new Map<string, string>()

  const remember = async (entry: KeyRingEntry): Promise<DataKey> => {
    const key = cache.get(entry.id)?.key ?? (await wrapper.unwrap(entry))
    cache.set(entry.id, { key, atMs: now() })
    idsByPerson.set(entry.person, entry.id)
    return key
  }
  const evict = (id: string) => {
    const person = cache.get(id)?.key.person
    if (person !== undefined && idsByPerson.get(person) === id) idsByPerson.delete(person)
    cache.delete(id)
    destroyedIds.add(id)
  }
  const isFresh = (id: string) => now() - (cache.get(id)?.atMs ?? Number.NEGATIVE_INFINITY) < cacheTtlMs
  const fetchById = coalesce(async (id: string) => {
    const entry = await ring.byId(id)
    if (entry) return await remember(entry)
    evict(id)
    return undefined
  })
  const byId = async (id: string) => {
    if (isFresh(id)) return cache.get(id)!.key
    return destroyedIds.has(id) ? undefined : await fetchById(id)
  }
  const fetchByPerson = coalesce(async (person: string) => {
    const entry = await ring.byPerson(person)
    return entry && (await remember(entry))
  })
  const existing = async (person: string) => {
    const id = idsByPerson.get(person)
    const key = id === undefined ? undefined : await byId(id)
    return key ?? (await fetchByPerson(person))
  }
  const create = coalesce(
    async (person: string) => await remember(await ring.add(await wrapper.newEntry(person))),
  )
  const keys: Keys = {
    getOrCreate: async person => (await existing(person)) ?? (await create(person)),
    async require(person) {
      const key = await existing(person)
      if (key) return key
      // The message names nobody: it goes to logs, and logs are not erased with a person.
      throw new LaresError(
        'forgotten',
        'the person was forgotten, or has never spoken here: nothing is kept of them',
      )
    },
    find: existing,
    byId,
    // A stale key may have been destroyed, and must not encrypt anything new.
    cachedById: id => (isFresh(id) ? cache.get(id)!.key : undefined),
    cachedByPerson(person) {
      const id = idsByPerson.get(person)
      return id === undefined ? undefined : keys.cachedById(id)
    },
    idOf: async person => (await ring.byPerson(person))?.id,
    async destroy(person) {
      const id = await keys.idOf(person)
      const wasThere = await ring.destroy(person)
      if (id !== undefined) evict(id)
      return wasThere
    },
    async rewrap() {
      const [first] = await masterKeys.all()
      const old = (await ring.all()).filter(({ master }) => master !== first.id)
      for (const entry of old) await ring.rewrap(await wrapper.rewrapped(entry, first))
      return old.length
    },
  }
  await ensureSystemKey(ring, masterKeys, keys)
  return keys
}

/** Thousands of rows may need the same key at once: one request to the ring serves all of them. */
function coalesce<T>(fetch: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const inFlight = new Map<string, Promise<T>>()
  return name => {
    const known = inFlight.get(name)
    if (known) return known
    const answer = fetch(name).finally(() => inFlight.delete(name))
    inFlight.set(name, answer)
    return answer
  }
}

/** The owner of the key for data that belongs to nobody. */
export const SYSTEM = ''

/** The system key is a ring's first key; only the right master key unwraps it. */
async function ensureSystemKey(ring: KeyRing, masterKeys: MasterKeys, keys: Keys): Promise<void> {
  const systemEntry = await ring.byPerson(SYSTEM)
  if (!systemEntry) {
    await masterKeys.all().catch(error => {
      if ((error as LaresError).code !== 'not_found') throw error
      return masterKeys.create()
    })
  }
  await keys.getOrCreate(SYSTEM)
}

const TAG_BYTES = 16
const NONCE_BYTES = 12

function openKeyWrapper(masterKeys: MasterKeys) {
  let cached: MasterKey[] = []
  const find = async (id: string): Promise<MasterKey> => {
    const known = cached.find(master => master.id === id)
    if (known) return known
    cached = await masterKeys.all()
    const found = cached.find(master => master.id === id)
    if (found) return found
    throw new LaresError(
      'invalid_config',
      `the key ring was locked with another master key (${id}) than the one in ${masterKeys.source}: put that one back, or set LARES_MASTER_KEY_FILE to where it is`,
    )
  }
  /** The associated data of a wrapped key: a key wrapped for one person does not unwrap for another. */
  const aadOf = ({ id, person }: Pick<KeyRingEntry, 'id' | 'person'>) =>
    Buffer.from(JSON.stringify(['lares person key', id, person]))
  const wrap = (entry: Pick<KeyRingEntry, 'id' | 'person'>, secret: Buffer, { key }: MasterKey): string => {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(aadOf(entry))
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    )
  }
  const unwrapSecret = async (entry: KeyRingEntry): Promise<Buffer> => {
    const master = await find(entry.master)
    const wrapped = Buffer.from(entry.wrapped, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', master.key, wrapped.subarray(0, NONCE_BYTES))
    decipher.setAAD(aadOf(entry))
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch (cause) {
      throw new LaresError('failed', `the key ${entry.id} in the ring is damaged`, {
        cause,
        retryable: false,
      })
    }
  }
  return {
    unwrap: async (entry: KeyRingEntry): Promise<DataKey> =>
      deriveDataKey(entry.id, entry.person, await unwrapSecret(entry)),
    async newEntry(person: string): Promise<KeyRingEntry> {
      // Reads the master keys again: a rotation may be under way.
      cached = await masterKeys.all()
      const master = cached[0]!
      const id = randomBytes(16).toString('hex')
      const wrapped = wrap({ id, person }, randomBytes(32), master)
      return { person, id, master: master.id, wrapped, createdAt: new Date().toISOString() }
    },
    rewrapped: async (entry: KeyRingEntry, master: MasterKey) => ({
      id: entry.id,
      master: master.id,
      wrapped: wrap(entry, await unwrapSecret(entry), master),
    }),
  }
}
