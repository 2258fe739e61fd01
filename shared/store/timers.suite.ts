import { beforeEach, describe, expect, test } from 'vitest'
import type { Store, Timer, Timers } from './store.ts'

export function timersSuite(store: () => Store): void {
  describe('timers', () => {
    let timers: Timers
    let person = ''
    let count = 0

    beforeEach(async () => {
      timers = store().timers
      person = `person-${++count}`
      await timers.markFired((await timers.due(Number.MAX_SAFE_INTEGER / 100, 1_000)).map(({ id }) => id))
    })

    const timer = (id: string, dueAt: string): Timer => ({
      id: `${person}-${id}`,
      conversation: 'c',
      person,
      text: `text of ${id}`,
      language: 'zh',
      dueAt,
    })
    const NOON = Date.parse('2026-05-01T12:00:00Z')
    const names = (list: Timer[]) => list.map(({ id }) => id.replace(`${person}-`, ''))

    test('what is due comes earliest first, by the moment and not by how it was written', async () => {
      await timers.schedule(timer('b', '2026-05-01T12:00:00.000Z'))
      await timers.schedule(timer('a', '2026-05-01T13:30:00+02:00'))
      await timers.schedule(timer('c', '2026-05-01T12:00:00.001Z'))
      expect(names(await timers.due(NOON, 10))).toEqual(['a', 'b'])
      expect(names(await timers.due(NOON, 1))).toEqual(['a'])
      expect((await timers.due(NOON, 1))[0]).toEqual({ ...timer('a', ''), dueAt: '2026-05-01T11:30:00.000Z' })
      expect(names(await timers.pending(person, 10))).toEqual(['a', 'b', 'c'])
    })

    test('a timer keeps the address that it was set from', async () => {
      const address = { channel: 'telegram', account: 'home', chat: '42', thread: '7' }
      await timers.schedule({ ...timer('a', '2026-05-01T11:00:00.000Z'), address })
      expect((await timers.due(NOON, 10))[0]!.address).toEqual(address)
      expect((await timers.pending(person, 10))[0]!.address).toEqual(address)
    })

    test('a timer is scheduled once under its id, also when it has fired or was cancelled', async () => {
      const one = timer('a', '2026-05-01T12:00:00Z')
      expect([await timers.schedule(one), await timers.schedule(one)]).toEqual([true, false])
      await timers.markFired([one.id])
      expect(await timers.schedule(one)).toBe(false)
      expect(names(await timers.due(NOON, 10))).toEqual([])
      const other = timer('b', '2026-05-01T12:00:00Z')
      await timers.schedule(other)
      expect(await timers.cancel(person, other.id)).toBe(true)
      expect(await timers.schedule(other)).toBe(false)
      expect(names(await timers.pending(person, 10))).toEqual([])
    })

    test('only its person cancels a timer, once, and not when it has fired', async () => {
      const one = timer('a', '2026-05-01T12:00:00Z')
      await timers.schedule(one)
      expect(await timers.cancel('somebody', one.id)).toBe(false)
      expect([await timers.cancel(person, one.id), await timers.cancel(person, one.id)]).toEqual([
        true,
        false,
      ])
      const fired = timer('b', '2026-05-01T12:00:00Z')
      await timers.schedule(fired)
      await timers.markFired([fired.id])
      expect(await timers.cancel(person, fired.id)).toBe(false)
      await timers.markFired([])
    })

    test('a time that is none, or beyond what can be compared, is refused and disturbs no other call', async () => {
      const times = ['tomorrow', '+012345-01-01T00:00:00Z', '9999-12-31T23:59:59Z']
      const refused = { status: 'rejected', reason: { code: 'invalid_request' } }
      expect(
        await Promise.allSettled(times.map(dueAt => timers.schedule(timer(dueAt, dueAt)))),
      ).toMatchObject([refused, refused, { status: 'fulfilled', value: true }])
      expect(names(await timers.due(NOON, 10))).toEqual([])
    })
  })
}
