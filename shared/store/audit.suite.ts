import { describe, expect, test } from 'vitest'
import type { AuditRow, Store } from './store.ts'

export function auditSuite(store: () => Store): void {
  describe('audit', () => {
    const next = (id: string) => (last: AuditRow | undefined) => ({
      sequence: (last?.sequence ?? 0) + 1,
      id,
      text: `after ${last?.id} 人\0`,
      hash: id,
    })
    const add = (id: string) => store().audit.append(id, next(id))

    test('each row is made of the one before it, also when many are added at once', async () => {
      await Promise.all(Array.from({ length: 40 }, (_, n) => add(`row ${n}`)))
      const rows = await store().audit.read(0, 100)
      expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, n) => n + 1))
      for (const [n, { text }] of rows.entries()) expect(text).toBe(`after ${rows[n - 1]?.id} 人\0`)
      expect(await store().audit.read(10, 3)).toEqual(rows.slice(10, 13))
    })

    test('what is added again stays what it was', async () => {
      const first = await add('once')
      const others = await Promise.all([add('once'), add('other'), add('once')])
      expect([others[0], others[2]]).toEqual([first, first])
    })
  })
}
