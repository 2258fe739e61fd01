import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Objects } from './objects.ts'

/** The guarantees of the port `Objects`, for every driver. */
export function objectsSuite(
  name: string,
  start: () => Promise<{ objects: Objects; stop(): Promise<void> }>,
): void {
  describe(name, () => {
    let store: Awaited<ReturnType<typeof start>>
    let objects: Objects

    beforeAll(async () => {
      store = await start()
      objects = store.objects
    })
    afterAll(() => store.stop())

    test('an object comes back as it was put, empty and large ones too', async () => {
      for (const data of [Buffer.alloc(0), Buffer.from('日程 🙂'), randomBytes(3_000_000)]) {
        await objects.put('events/0190-a_b.c', data)
        expect((await objects.get('events/0190-a_b.c')).equals(data)).toBe(true)
      }
    })

    test('an object that is not there is told, and deleting it is no error', async () => {
      await objects.put('there', Buffer.from('x'))
      for (const key of ['nothing', 'no/such/folder', 'there/below']) {
        await expect(objects.get(key)).rejects.toMatchObject({ code: 'not_found' })
        await objects.delete(key)
      }
      await objects.delete('there')
      await expect(objects.get('there')).rejects.toMatchObject({ code: 'not_found' })
    })

    test.each([
      '',
      '/',
      '/etc/passwd',
      '..',
      '../up',
      'a/../../up',
      'a/./b',
      'a//b',
      'a/',
      '.hidden',
      'a b',
      'a\\b',
      'a\0b',
      'ä',
      'x'.repeat(513),
    ])('"%s" is no key', async key => {
      for (const call of [objects.put(key, Buffer.from('x')), objects.get(key), objects.delete(key)])
        await expect(call).rejects.toMatchObject({ code: 'invalid_request', retryable: false })
    })

    test('who reads while it is written gets the old object or a new one, never a part', async () => {
      const data = (n: number) => Buffer.alloc(200_000, n)
      await objects.put('busy', data(0))
      const writing = Promise.all(Array.from({ length: 10 }, (_, n) => objects.put('busy', data(n))))
      for (let round = 0; round < 50; round++) {
        const read = await objects.get('busy')
        expect(read.equals(data(read[0]!))).toBe(true)
      }
      await writing
    })

    test('a store that can be used says so', async () => {
      await objects.check()
    })
  })
}
