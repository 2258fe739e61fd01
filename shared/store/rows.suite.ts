import { beforeEach, describe, expect, test } from 'vitest'
import { countingStep } from './member.fixture.ts'
import type { Store, StoreRow } from './store.ts'

export function rowsSuite(store: () => Store): void {
  describe('rows', () => {
    let person = ''
    let count = 0

    beforeEach(() => {
      person = `kept-${++count}`
    })

    const at = '2026-05-01T12:00:00.000Z'
    const message = (n: number, of = person, text = `text ${n}`): StoreRow => ({
      kind: 'message',
      conversation: `${of}-talk`,
      person: of,
      id: `${of}-${n}`,
      role: n % 2 === 0 ? 'user' : 'assistant',
      text,
      inReplyTo: n % 2 === 0 ? null : `${of}-${n - 1}`,
      createdAt: at,
      status: 'completed',
      ...(n === 1 && { address: { channel: 'telegram', account: 'home', chat: '42' } }),
      ...(n === 2 && { attachments: [{ name: '租约.pdf', mediaType: 'application/pdf', bytes: 9 }] }),
    })
    const all = (of = person): StoreRow[] => [
      {
        kind: 'conversation',
        id: `${of}-talk`,
        person: of,
        createdAt: at,
        state: { turn: null, 文: '🙂\0' },
      },
      ...Array.from({ length: 1_200 }, (_, n) => message(n, of)),
      {
        kind: 'document',
        collection: 'notes',
        id: 'a',
        person: of,
        text: 'tea',
        body: { deep: [null] },
        createdAt: at,
      },
      { kind: 'document', collection: 'memories', id: 'a', person: of, text: '茶', body: 1, createdAt: at },
      {
        kind: 'timer',
        id: `${of}-timer`,
        conversation: `${of}-talk`,
        person: of,
        text: 'stretch',
        language: 'en',
        dueAt: '2126-05-01T12:00:00.000Z',
        state: 'cancelled',
      },
    ]
    const read = async (of = person) => {
      const rows: StoreRow[] = []
      for await (const row of store().rows.read(of)) rows.push(row)
      return rows
    }

    test('what is written is read as it was, in its order, and written again changes nothing', async () => {
      expect(await store().rows.write(all())).toBe(all().length)
      expect(await read()).toEqual(all())
      expect(await store().rows.write(all())).toBe(0)
      expect(await read()).toEqual(all())
      expect(await store().rows.people()).toContain(person)
    })

    test('what is written is what the rest of the store shows', async () => {
      await store().rows.write(all())
      const { history, records, timers } = store()
      const last = await history.list(`${person}-talk`, { limit: 2 })
      expect(last.map(({ text }) => text)).toEqual(['text 1198', 'text 1199'])
      const found = await records.search({ collection: 'notes', person, query: 'tea', limit: 9 })
      expect(found.map(({ id }) => id)).toEqual(['a'])
      expect(await timers.pending(person, 9)).toEqual([])
      const [state] = await store().step({
        conversation: `${person}-talk`,
        person,
        eventId: `${person}-event`,
        apply: (state: unknown) => ({ state: {}, messages: [], outcome: [state] }),
      })
      expect(state).toEqual({ turn: null, 文: '🙂\0' })
    })

    test('all of a person is forgotten, the journal too, and nothing of anybody else', async () => {
      const other = `${person}-other`
      await store().rows.write([...all(), ...all(other)])
      const step = () => store().step({ ...countingStep(`${person}-more`, `${person}-counted`), person })
      expect(await step()).toBe(1)
      const forgotten = await store().rows.erase(person)
      expect(forgotten).toEqual({ conversations: 2, messages: 1_200, documents: 2, timers: 1 })
      expect([await read(), await read(other)]).toEqual([[], all(other)])
      expect(await store().history.message(`${person}-1`)).toBeUndefined()
      expect(await store().records.search({ collection: 'notes', person, query: 'tea', limit: 9 })).toEqual(
        [],
      )
      expect(await store().rows.people()).not.toContain(person)
      expect(await store().rows.erase(person)).toEqual({
        conversations: 0,
        messages: 0,
        documents: 0,
        timers: 0,
      })
      // The store has forgotten the event, so the step is applied again.
      expect(await step()).toBe(1)
    })

    test("everybody's documents are read as nobody's", async () => {
      const id = `${person}-everybody`
      await store().records.put('skills', { id, person: '', text: '', body: 1, createdAt: at })
      expect((await read('')).filter(row => row.kind === 'document' && row.id === id)).toHaveLength(1)
      expect(await store().rows.people()).not.toContain('')
    })
  })
}
