import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LaresError } from '../base/errors.ts'
import { type DataKey, dataKey } from './envelope.ts'
import type { MasterKey, MasterKeys } from './master-key.ts'
import type { Ring, RingEntry } from './ring/ring.ts'

/** People's keys, as this process uses them. They are looked for in the ring again after `freshMs`. */
export type Keys = {
  /** The person's key, made when there is none. Errors: `unavailable`; `invalid_config` when no master key here unwraps it. */
  of(person: string): Promise<DataKey>
  /**
   * The same for those who work for somebody: what they began for a person who was forgotten meanwhile must not be kept
   * under a new key. Errors: those of `of`; `forgotten` when the person has none.
   */
  ofKnown(person: string): Promise<DataKey>
  /** The same for those who only read: undefined when the person has none. */
  existing(person: string): Promise<DataKey | undefined>
  /** Undefined when it was destroyed. Errors: as above. */
  byId(id: string): Promise<DataKey | undefined>
  /** The same from memory, for those who cannot wait: undefined also when it has to be waited for. */
  atHand(id: string): DataKey | undefined
  /** The person's key from memory. */
  ofAtHand(person: string): DataKey | undefined
  /** The id of the person's key, if there is one. */
  idOf(person: string): Promise<string | undefined>
  /** False when the person had none. */
  destroy(person: string): Promise<boolean>
  /** Wraps all keys with the first master key that are not yet; gives back how many it did. */
  rewrap(): Promise<number>
}

/** Until then another process may still use a key that was destroyed. */
export const FRESH_MS = 2_000

export type KeysOptions = {
  ring: Ring
  masters: MasterKeys
  freshMs?: number
  /** Milliseconds of a clock that nobody sets: one that is put back would make a destroyed key fresh again. */
  now?: () => number
}

/**
 * Opens the keys of a house; in a new one the master key is made. Errors: `invalid_config` when the master key is not that
 * of the ring, or is away while there are keys that it wrapped.
 */
export async function openKeys({
  ring,
  masters,
  freshMs = FRESH_MS,
  now = () => performance.now(),
}: KeysOptions): Promise<Keys> {
  const wraps = openWraps(masters)
  const known = new Map<string, { key: DataKey; atMs: number }>()
  const gone = new Set<string>()
  const ids = new Map<string, string>()

  const take = async (entry: RingEntry): Promise<DataKey> => {
    const key = known.get(entry.id)?.key ?? (await wraps.unwrap(entry))
    known.set(entry.id, { key, atMs: now() })
    ids.set(entry.person, entry.id)
    return key
  }
  const lose = (id: string) => {
    const person = known.get(id)?.key.person
    if (person !== undefined && ids.get(person) === id) ids.delete(person)
    known.delete(id)
    gone.add(id)
  }
  const isFresh = (id: string) => now() - (known.get(id)?.atMs ?? Number.NEGATIVE_INFINITY) < freshMs
  const lookUp = together(async (id: string) => {
    const entry = await ring.byId(id)
    if (entry) return await take(entry)
    lose(id)
    return undefined
  })
  const byId = async (id: string) => {
    if (isFresh(id)) return known.get(id)!.key
    return gone.has(id) ? undefined : await lookUp(id)
  }
  const lookFor = together(async (person: string) => {
    const entry = await ring.ofPerson(person)
    return entry && (await take(entry))
  })
  const existing = async (person: string) => {
    const id = ids.get(person)
    const key = id === undefined ? undefined : await byId(id)
    return key ?? (await lookFor(person))
  }
  const make = together(async (person: string) => await take(await ring.add(await wraps.newEntry(person))))
  const keys: Keys = {
    of: async person => (await existing(person)) ?? (await make(person)),
    async ofKnown(person) {
      const key = await existing(person)
      if (key) return key
      // Nobody is named: this is told to logs, which forget nobody.
      throw new LaresError(
        'forgotten',
        'the person was forgotten, or has never spoken here: nothing is kept of them',
      )
    },
    existing,
    byId,
    // What is stale may have been destroyed: nothing new must be locked with it.
    atHand: id => (isFresh(id) ? known.get(id)!.key : undefined),
    ofAtHand(person) {
      const id = ids.get(person)
      return id === undefined ? undefined : keys.atHand(id)
    },
    idOf: async person => (await ring.ofPerson(person))?.id,
    async destroy(person) {
      const id = await keys.idOf(person)
      const wasThere = await ring.destroy(person)
      if (id !== undefined) lose(id)
      return wasThere
    },
    async rewrap() {
      const [first] = await masters.all()
      const old = (await ring.all()).filter(({ master }) => master !== first.id)
      for (const entry of old) await ring.rewrap(await wraps.rewrapped(entry, first))
      return old.length
    },
  }
  await openHouse(ring, masters, keys)
  return keys
}

/** Thousands of rows may want the same key at once: the ring is asked once for all of them. */
function together<T>(ask: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const asking = new Map<string, Promise<T>>()
  return name => {
    const known = asking.get(name)
    if (known) return known
    const answer = ask(name).finally(() => asking.delete(name))
    asking.set(name, answer)
    return answer
  }
}

/** Whose key opens what is nobody's. */
export const HOUSE = ''

/** The key of the house is the first of a ring; it opens only with the right master key. */
async function openHouse(ring: Ring, masters: MasterKeys, keys: Keys): Promise<void> {
  const house = await ring.ofPerson(HOUSE)
  if (!house) {
    await masters.all().catch(error => {
      if ((error as LaresError).code !== 'not_found') throw error
      return masters.make()
    })
  }
  await keys.of(HOUSE)
}

const TAG = 16
const NONCE = 12

function openWraps(masters: MasterKeys) {
  let memory: MasterKey[] = []
  const find = async (id: string): Promise<MasterKey> => {
    const kept = memory.find(master => master.id === id)
    if (kept) return kept
    memory = await masters.all()
    const found = memory.find(master => master.id === id)
    if (found) return found
    throw new LaresError(
      'invalid_config',
      `the key ring was locked with another master key (${id}) than the one in ${masters.where}: put that one back, or set LARES_MASTER_KEY_FILE to where it is`,
    )
  }
  /** What is authenticated with it: a key wrapped for one person is no use to another. */
  const contextOf = ({ id, person }: Pick<RingEntry, 'id' | 'person'>) =>
    Buffer.from(JSON.stringify(['lares person key', id, person]))
  const wrap = (entry: Pick<RingEntry, 'id' | 'person'>, secret: Buffer, { key }: MasterKey): string => {
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(contextOf(entry))
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    )
  }
  const secretOf = async (entry: RingEntry): Promise<Buffer> => {
    const master = await find(entry.master)
    const wrapped = Buffer.from(entry.wrapped, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', master.key, wrapped.subarray(0, NONCE))
    decipher.setAAD(contextOf(entry))
    decipher.setAuthTag(wrapped.subarray(-TAG))
    try {
      return Buffer.concat([decipher.update(wrapped.subarray(NONCE, -TAG)), decipher.final()])
    } catch (cause) {
      throw new LaresError('failed', `the key ${entry.id} in the ring is damaged`, {
        cause,
        retryable: false,
      })
    }
  }
  return {
    unwrap: async (entry: RingEntry): Promise<DataKey> =>
      dataKey(entry.id, entry.person, await secretOf(entry)),
    async newEntry(person: string): Promise<RingEntry> {
      // Read anew: a rotation may be under way.
      memory = await masters.all()
      const master = memory[0]!
      const id = randomBytes(16).toString('hex')
      const wrapped = wrap({ id, person }, randomBytes(32), master)
      return { person, id, master: master.id, wrapped, createdAt: new Date().toISOString() }
    },
    rewrapped: async (entry: RingEntry, master: MasterKey) => ({
      id: entry.id,
      master: master.id,
      wrapped: wrap(entry, await secretOf(entry), master),
    }),
  }
}
