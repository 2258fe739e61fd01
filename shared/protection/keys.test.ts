import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { seal, unseal } from './envelope.ts'
import { type Keys, openKeys } from './keys.ts'
import { generateMasterKeyText, masterKeysFromFile } from './master-key.ts'
import { keyRingSuite } from './ring/ring.suite.ts'
import type { KeyRing } from './ring/ring.ts'
import { openSqliteKeyRing } from './ring/sqlite-ring.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

keyRingSuite('the key ring on sqlite', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-ring-'))
  return {
    open: async () => openSqliteKeyRing(join(home, 'keys.db')),
    stop: () => rm(home, { recursive: true }),
  }
})

describe('keys', () => {
  const master = () => join(folder, 'master.key')
  const rings: KeyRing[] = []
  const openHere = async (more: { cacheTtlMs?: number; now?: () => number } = {}): Promise<Keys> => {
    const ring = openSqliteKeyRing(join(folder, 'keys.db'))
    rings.push(ring)
    return await openKeys({ ring, masterKeys: masterKeysFromFile(master()), cacheTtlMs: 0, ...more })
  }
  afterEach(async () => {
    for (const ring of rings.splice(0)) await ring.close()
  })
  const bytesOnDisk = async () =>
    Buffer.concat(await Promise.all((await readdir(folder)).map(name => readFile(join(folder, name)))))

  test('a new instance creates the master key for its user alone, and one of several concurrent starts does it', async () => {
    await Promise.all([openHere(), openHere(), openHere()])
    expect((await stat(master())).mode & 0o777).toBe(0o600)
    expect(Buffer.from(await readFile(master(), 'utf8'), 'base64')).toHaveLength(32)
    expect((await readdir(folder)).filter(name => name.startsWith('.'))).toEqual([])
  })

  test('a person has one key, also for other processes; no two people share one', async () => {
    const [here, there] = [await openHere(), await openHere()]
    const [alice, same] = await Promise.all([here.getOrCreate('alice'), there.getOrCreate('alice')])
    expect(same.id).toBe(alice.id)
    expect(unseal(same, 'p', seal(alice, 'p', Buffer.from('hello'))).toString()).toBe('hello')
    const bob = await here.getOrCreate('bob')
    expect(() => unseal({ ...bob, id: alice.id }, 'p', seal(alice, 'p', Buffer.from('hello')))).toThrow(
      /changed/,
    )
  })

  test('the same content at the same place is the same bytes; elsewhere it is not, and does not open', async () => {
    const key = await (await openHere()).getOrCreate('alice')
    const sealed = seal(key, 'here', Buffer.from('hello'))
    expect(seal(key, 'here', Buffer.from('hello')).equals(sealed)).toBe(true)
    expect(seal(key, 'there', Buffer.from('hello')).equals(sealed)).toBe(false)
    expect(() => unseal(key, 'there', sealed)).toThrow(/belongs elsewhere/)
    for (const [at] of sealed.entries()) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      expect(() => unseal(key, 'here', changed)).toThrow(/encrypted content/)
    }
  })

  test('a destroyed key is gone from every byte of the ring, and for other processes too', async () => {
    const [here, there] = [await openHere(), await openHere()]
    const { id } = await here.getOrCreate('alice')
    await there.getOrCreate('alice')
    const entry = (await rings[0]!.byId(id))!
    const secret = Buffer.from(entry.wrapped.slice(0, -4))
    expect((await bytesOnDisk()).includes(secret)).toBe(true)
    expect(await here.destroy('alice')).toBe(true)
    expect((await bytesOnDisk()).includes(secret)).toBe(false)
    expect([await here.byId(id), await there.byId(id), there.cachedById(id)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(await there.find('alice')).toBeUndefined()
    expect((await here.getOrCreate('alice')).id).not.toBe(id)
  })

  test('a key is looked for again after a while only', async () => {
    let nowMs = 0
    const [here, there] = [await openHere(), await openHere({ cacheTtlMs: 1_000, now: () => nowMs })]
    const { id } = await there.getOrCreate('alice')
    await here.destroy('alice')
    nowMs = 999
    expect((await there.byId(id))?.id).toBe(id)
    nowMs = 1_000
    expect(await there.byId(id)).toBeUndefined()
  })

  test('a wall clock that is put back makes no destroyed key fresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const [here, there] = [await openHere(), await openHere({ cacheTtlMs: 1 })]
      const { id } = await there.getOrCreate('alice')
      await here.destroy('alice')
      vi.setSystemTime(Date.now() - 3_600_000)
      await expect.poll(() => there.byId(id)).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })

  test('thousands who want a key at once ask the ring once', async () => {
    const { id } = await (await openHere()).getOrCreate('alice')
    const bare = rings[0]!
    let asked = 0
    const counting: KeyRing = {
      ...bare,
      byId: wanted => {
        asked++
        return bare.byId(wanted)
      },
    }
    const there = await openKeys({
      ring: counting,
      masterKeys: masterKeysFromFile(master()),
      cacheTtlMs: 60_000,
    })
    const found = await Promise.all(Array.from({ length: 5_000 }, () => there.byId(id)))
    expect([asked, new Set(found).size]).toEqual([1, 1])
  })

  test('the master key is replaced while others work, and the old one is worth nothing afterwards', async () => {
    const [here, there] = [await openHere(), await openHere()]
    const before = await here.getOrCreate('alice')
    const old = await readFile(master(), 'utf8')
    const masters = masterKeysFromFile(master())
    const fresh = generateMasterKeyText()
    await masters.write([fresh, ...(await masters.texts())])
    // A new person gets a key between the two steps.
    await there.getOrCreate('bob')
    expect(await here.rewrap()).toBe(2)
    expect(await here.rewrap()).toBe(0)
    await masters.write([fresh])
    const later = await openHere()
    expect((await later.getOrCreate('alice')).id).toBe(before.id)
    expect((await there.getOrCreate('carol')).person).toBe('carol')
    await writeFile(master(), old)
    await expect(openHere()).rejects.toMatchObject({ code: 'invalid_config', message: /another master key/ })
  })

  test('a ring whose master key is away opens nothing, and no other is made', async () => {
    await openHere()
    await rm(master())
    await expect(openHere()).rejects.toMatchObject({ message: /put it back/ })
    expect(await readdir(folder)).not.toContain('master.key')
    await writeFile(master(), 'c2hvcnQ=\n')
    await expect(openHere()).rejects.toMatchObject({ code: 'invalid_config', message: /instead of 32/ })
  })
})
