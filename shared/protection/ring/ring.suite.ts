import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KeyRing, KeyRingEntry } from './ring.ts'

export type KeyRingUnderTest = { open(): Promise<KeyRing>; stop(): Promise<void> }

/** The guarantees of the port `KeyRing`, for every driver. */
export function keyRingSuite(name: string, start: () => Promise<KeyRingUnderTest>): void {
  describe(name, () => {
    let ringUnderTest: KeyRingUnderTest
    let ring: KeyRing
    let count = 0
    let entry: KeyRingEntry

    beforeAll(async () => {
      ringUnderTest = await start()
      ring = await ringUnderTest.open()
    })
    afterAll(async () => {
      await ring?.close()
      await ringUnderTest?.stop()
    })
    beforeEach(() => {
      const person = `person-${++count} 人\0`
      entry = {
        person,
        id: `id-${count}`,
        master: 'm1',
        wrapped: 'AAAA',
        createdAt: '2026-05-01T12:00:00.000Z',
      }
    })

    test('of two who make a key for a person one wins, and both get it', async () => {
      const other = await ringUnderTest.open()
      const made = await Promise.all([ring.add(entry), other.add({ ...entry, id: `${entry.id}-other` })])
      expect(made[0]).toEqual(made[1])
      expect(await other.byPerson(entry.person)).toEqual(made[0])
      expect(await ring.byId(made[0].id)).toEqual(made[0])
      await other.close()
    })

    test('a key is wrapped anew in its place, and one that is gone stays gone', async () => {
      await ring.add(entry)
      await ring.rewrap({ id: entry.id, wrapped: 'BBBB', master: 'm2' })
      expect(await ring.byPerson(entry.person)).toEqual({ ...entry, wrapped: 'BBBB', master: 'm2' })
      await ring.destroy(entry.person)
      await ring.rewrap({ id: entry.id, wrapped: 'CCCC', master: 'm3' })
      expect(await ring.byId(entry.id)).toBeUndefined()
    })

    test('a key is destroyed once, and nobody else’s', async () => {
      await ring.add(entry)
      await ring.add({ ...entry, person: 'somebody', id: 'of-somebody' })
      expect([await ring.destroy(entry.person), await ring.destroy(entry.person)]).toEqual([true, false])
      expect(await ring.byPerson(entry.person)).toBeUndefined()
      expect((await ring.all()).map(({ person }) => person)).toContain('somebody')
    })

    test('an anchor only moves on, and is there for whoever opens the ring', async () => {
      expect(await ring.getAnchor('audit')).toBeUndefined()
      await ring.setAnchor('audit', 2, 'b')
      await ring.setAnchor('audit', 3, 'c')
      await ring.setAnchor('audit', 2, 'b')
      const other = await ringUnderTest.open()
      expect(await other.getAnchor('audit')).toEqual({ sequence: 3, hash: 'c' })
      await other.close()
    })

    test('a ring that can be used says so', async () => {
      await ring.check()
    })
  })
}
