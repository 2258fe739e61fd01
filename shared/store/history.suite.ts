import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { MessageStatus, MessageWrite, Store } from './store.ts'
import { userMessage } from './written.fixture.ts'

/** The guarantees of `History`, for every driver. */
export function historySuite(open: () => Store): void {
  describe('history', () => {
    let store: Store
    let count = 0
    let c = ''
    beforeAll(() => {
      store = open()
    })
    beforeEach(() => {
      c = `history-${++count}`
    })

    const enter = (id: string, person = 'owner') =>
      store.history.accept({ conversation: c, person, message: userMessage(`${c}-${id}`) })

    test('a message that is entered opens its conversation, and is there for everybody to see', async () => {
      expect(await store.history.conversation(c)).toBeUndefined()
      const entered = await enter('1')
      expect(entered).toEqual({ ...userMessage(`${c}-1`), conversation: c, sequence: expect.any(Number) })
      expect(await store.history.conversation(c)).toEqual({
        id: c,
        person: 'owner',
        createdAt: '2026-05-01T12:00:00.000Z',
      })
      expect(await store.history.message(`${c}-1`)).toEqual(entered)
    })

    test('a message that is entered again stays the first one, whatever became of it', async () => {
      await enter('1')
      await store.step({
        conversation: c,
        person: 'owner',
        eventId: `${c}-e`,
        apply: () => ({
          state: {},
          messages: [userMessage(`${c}-1`, { status: 'answered' })],
          outcome: null,
        }),
      })
      const again = await store.history.accept({
        conversation: c,
        person: 'owner',
        message: userMessage(`${c}-1`, { text: 'another text' }),
      })
      expect(again).toMatchObject({ text: `text of ${c}-1`, status: 'answered' })
      expect(await store.history.list(c, { limit: 10 })).toHaveLength(1)
    })

    test('a message keeps its address and its sender as they were first written; an older one has none', async () => {
      const address = { channel: 'telegram', account: 'home', chat: '+49 30 4711', thread: '7' }
      const sender = { identity: { channel: 'telegram', account: 'home', user: '🙂' }, person: 'ann' }
      const message = userMessage(`${c}-1`, { address, sender })
      expect(await store.history.accept({ conversation: c, person: 'owner', message })).toMatchObject({
        address,
        sender,
      })
      await store.step({
        conversation: c,
        person: 'owner',
        eventId: `${c}-e`,
        apply: () => ({
          state: {},
          messages: [
            userMessage(`${c}-1`, { status: 'answered' }),
            userMessage(`${c}-2`),
            userMessage(`${c}-3`, { address: { channel: 'web', account: 'default', chat: c } }),
          ],
          outcome: null,
        }),
      })
      const rows = await store.history.list(c, { limit: 10 })
      expect(rows.map(row => row.address)).toEqual([
        address,
        undefined,
        { channel: 'web', account: 'default', chat: c },
      ])
      expect(rows.map(row => row.sender)).toEqual([sender, undefined, undefined])
      expect('address' in rows[1]!).toBe(false)
    })

    test('a message tells what came with it, whatever becomes of it; one with nothing does not', async () => {
      const attachments = [
        { name: 'lease “2026”.pdf', mediaType: 'application/pdf', bytes: 4_711 },
        { name: '说明\u0000🙂.txt', mediaType: 'text/plain', bytes: 0 },
      ]
      const message = userMessage(`${c}-1`, { text: '', attachments })
      expect(await store.history.accept({ conversation: c, person: 'owner', message })).toMatchObject({
        attachments,
      })
      await enter('2')
      await store.step({
        conversation: c,
        person: 'owner',
        eventId: `${c}-e`,
        apply: () => ({
          state: {},
          messages: [
            userMessage(`${c}-1`, { text: '', status: 'answered' }),
            userMessage(`${c}-3`, { attachments: attachments.slice(1) }),
          ],
          outcome: null,
        }),
      })
      const rows = await store.history.list(c, { limit: 10 })
      expect(rows.map(row => row.attachments)).toEqual([attachments, undefined, attachments.slice(1)])
      expect(rows[0]).toMatchObject({ status: 'answered' })
      expect('attachments' in rows[1]!).toBe(false)
      expect(await store.history.message(`${c}-1`)).toEqual(rows[0])
      expect(await store.history.changes(c, 0, 10)).toEqual(rows.toSorted((a, b) => a.sequence - b.sequence))
    })

    test("another person's conversation is not found, and nothing is written there", async () => {
      await enter('1')
      await expect(enter('2', 'eve')).rejects.toMatchObject({ code: 'not_found' })
      expect(await store.history.list(c, { limit: 10 })).toHaveLength(1)
    })

    test('pages go from the newest back to the first, each oldest first', async () => {
      for (let n = 0; n < 25; n++) await enter(String(n))
      const pages: string[][] = []
      let before: string | undefined
      for (;;) {
        const page = await store.history.list(c, { limit: 10, ...(before && { before }) })
        if (page.length === 0) break
        pages.unshift(page.map(({ id }) => id))
        before = page[0]!.id
      }
      expect(pages.map(({ length }) => length)).toEqual([5, 10, 10])
      expect(pages.flat()).toEqual(Array.from({ length: 25 }, (_, n) => `${c}-${n}`))
    })

    test('changes come in the order they were made; a row that changes comes again, once, and one that does not, not', async () => {
      const set = (eventId: string, ...rows: MessageWrite[]) =>
        store.step({
          conversation: c,
          person: 'owner',
          eventId: `${c}-${eventId}`,
          apply: () => ({ state: {}, messages: rows, outcome: null }),
        })
      const as = (id: string, status: MessageStatus) => userMessage(`${c}-${id}`, { status })
      await set('e1', as('1', 'queued'), as('2', 'queued'))
      await set('e2', as('1', 'answering'))
      await set('e3', as('1', 'answering'), as('3', 'queued'))
      await store.history.accept({
        conversation: `${c}-other`,
        person: 'owner',
        message: userMessage(`${c}-x`),
      })
      const all = await store.history.changes(c, 0, 100)
      expect(all.map(({ id, status }) => [id, status])).toEqual([
        [`${c}-2`, 'queued'],
        [`${c}-1`, 'answering'],
        [`${c}-3`, 'queued'],
      ])
      expect(await store.history.changes(c, all[0]!.sequence, 1)).toEqual([all[1]])
      expect(await store.history.changes(c, all[2]!.sequence, 100)).toEqual([])
      await set('e4', userMessage(`${c}-2`, { text: 'put right' }))
      expect(await store.history.changes(c, all[2]!.sequence, 100)).toMatchObject([{ text: 'put right' }])
      // A message keeps its place, however often it changes.
      expect((await store.history.list(c, { limit: 10 })).map(({ id }) => id)).toEqual([
        `${c}-1`,
        `${c}-2`,
        `${c}-3`,
      ])
    })

    test('what waits for a reply is counted by person, from the oldest on, until it is answered', async () => {
      const person = `of-${c}`
      const enter = (id: string, createdAt: string) =>
        store.history.accept({ conversation: c, person, message: userMessage(`${c}-${id}`, { createdAt }) })
      await enter('1', '2026-05-01T12:00:00.000Z')
      await enter('2', '2026-05-01T12:00:05.000Z')
      await store.history.accept({ conversation: `${c}-b`, person, message: userMessage(`${c}-3`) })
      const mine = async () => (await store.history.backlog()).find(waiting => waiting.person === person)
      expect(await mine()).toEqual({ person, count: 3, oldestAt: '2026-05-01T12:00:00.000Z' })
      const settle = (status: MessageStatus, eventId: string) =>
        store.step({
          conversation: c,
          person,
          eventId: `${c}-${eventId}`,
          apply: () => ({ state: {}, messages: [userMessage(`${c}-1`, { status })], outcome: null }),
        })
      await settle('answering', 'e1')
      expect(await store.history.backlog(c)).toMatchObject([{ person, count: 2 }])
      await settle('failed', 'e2')
      expect(await store.history.backlog(c)).toEqual([
        { person, count: 1, oldestAt: '2026-05-01T12:00:05.000Z' },
      ])
      expect(await store.history.backlog(`${c}-unknown`)).toEqual([])
    })

    test("a person's conversations come newest first, and nobody else's", async () => {
      const person = `of-${c}`
      for (const [n, createdAt] of ['2026-01-01', '2026-03-01', '2026-02-01'].entries())
        await store.history.accept({
          conversation: `${c}-${n}`,
          person,
          message: userMessage(`${c}-${n}`, { createdAt: `${createdAt}T00:00:00.000Z` }),
        })
      const ids = async (limit: number) =>
        (await store.history.conversations(person, limit)).map(({ id }) => id)
      expect(await ids(10)).toEqual([`${c}-1`, `${c}-2`, `${c}-0`])
      expect(await ids(1)).toEqual([`${c}-1`])
    })

    test('100,000 messages of one conversation are paged and followed like a few', async () => {
      const count = 100_000
      const batch = 2_000
      const rows = Array.from({ length: count }, (_, n) => userMessage(`${c}-${n}`))
      for (let n = 0; n < count; n += batch)
        await store.step({
          conversation: c,
          person: 'owner',
          eventId: `${c}-${n}`,
          apply: () => ({ state: {}, messages: rows.slice(n, n + batch), outcome: null }),
        })
      const ids = (list: { id: string }[]) => list.map(({ id }) => id)
      expect(ids(await store.history.list(c, { limit: 50 }))).toEqual(ids(rows.slice(-50)))
      const early = await store.history.list(c, { before: `${c}-60`, limit: 50 })
      expect(ids(early)).toEqual(ids(rows.slice(10, 60)))
      let sequence = 0
      const followed: string[] = []
      for (;;) {
        const changes = await store.history.changes(c, sequence, 10_000)
        if (changes.length === 0) break
        followed.push(...ids(changes))
        sequence = changes.at(-1)!.sequence
      }
      expect(followed).toEqual(ids(rows))
    }, 120_000)
  })
}
