import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { objectsSuite } from './objects.suite.ts'
import type { DeclaredContent, ObjectStore } from './objects.ts'

export type ObjectStoreUnderTest = {
  /** An object store with cold storage. */
  objects: ObjectStore
  /** Changes a byte of the stored object without using the store. */
  damage(key: string): Promise<void>
  stop(): Promise<void>
}

const MEGABYTE = 1024 * 1024
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const PDF = Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const declareBytes = (maxBytes = 1_000_000): DeclaredContent => ({
  mediaType: 'application/octet-stream',
  maxBytes,
})

async function* inParts(data: Buffer, size = 64 * 1024) {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

/** The guarantees of the port `ObjectStore`, for every driver. */
export function objectStoreSuite(name: string, start: () => Promise<ObjectStoreUnderTest>): void {
  let storeUnderTest: ObjectStoreUnderTest
  let objects: ObjectStore
  let count = 0
  let key = ''
  const startStore = async () => {
    storeUnderTest = await start()
    objects = storeUnderTest.objects
  }
  const started: { once?: Promise<void> } = {}
  const startOnce = () => (started.once ??= startStore())

  objectsSuite(name, async () => {
    await startOnce()
    return { objects, stop: async () => undefined }
  })

  describe(`${name}, in streams`, () => {
    beforeAll(startOnce)
    afterAll(() => storeUnderTest?.stop())
    beforeEach(() => {
      key = `streams/${++count}`
    })
    const readBack = async () => buffer((await objects.read(key)).data)

    test('what is written comes back with its size, checksum and type', async () => {
      const data = Buffer.from('日程 🙂\n')
      const facts = await objects.write(key, inParts(data), { mediaType: 'text/plain', maxBytes: 100 })
      expect(facts).toEqual({
        bytes: data.length,
        sha256: sha256(data),
        mediaType: 'text/plain',
        cold: false,
      })
      expect(await objects.metadata(key)).toEqual(facts)
      expect((await objects.read(key)).metadata).toEqual(facts)
      expect((await readBack()).equals(data)).toBe(true)
      expect((await objects.get(key)).equals(data)).toBe(true)
    })

    test('a large object passes in and out without being held in memory', async () => {
      const block = randomBytes(MEGABYTE)
      const blocks = 200
      const hash = createHash('sha256')
      let most = 0
      const watch = () => {
        const { arrayBuffers } = process.memoryUsage()
        most = Math.max(most, arrayBuffers)
      }
      const source = async function* () {
        for (let n = 0; n < blocks; n++) {
          hash.update(block)
          watch()
          yield block
        }
      }
      const before = process.memoryUsage().arrayBuffers
      const facts = await objects.write(key, source(), declareBytes(blocks * MEGABYTE))
      expect(facts).toMatchObject({ bytes: blocks * MEGABYTE, sha256: hash.digest('hex') })
      let read = 0
      for await (const part of (await objects.read(key)).data) {
        read += part.length
        watch()
      }
      expect(read).toBe(blocks * MEGABYTE)
      expect(most - before).toBeLessThan(150 * MEGABYTE)
      await objects.delete(key)
    }, 60_000)

    test('what is too large is refused before all of it has come, and what was there stays', async () => {
      await objects.put(key, Buffer.from('old'))
      let taken = 0
      const endless = async function* () {
        for (;;) {
          taken += MEGABYTE
          yield Buffer.alloc(MEGABYTE)
        }
      }
      await expect(objects.write(key, endless(), declareBytes(3 * MEGABYTE))).rejects.toMatchObject({
        code: 'too_large',
        retryable: false,
      })
      expect(taken).toBeLessThan(10 * MEGABYTE)
      expect((await readBack()).toString()).toBe('old')
    })

    test('a source that breaks leaves nothing, and what was there stays', async () => {
      const broken = async function* () {
        yield Buffer.alloc(MEGABYTE)
        throw new Error('the phone lost its network')
      }
      const failed = { code: 'unavailable', message: /lost its network/ }
      await expect(objects.write(key, broken(), declareBytes(2 * MEGABYTE))).rejects.toMatchObject(failed)
      expect(await objects.metadata(key)).toBeUndefined()
      await objects.put(key, Buffer.from('old'))
      await expect(objects.write(key, broken(), declareBytes(2 * MEGABYTE))).rejects.toMatchObject(failed)
      expect((await readBack()).toString()).toBe('old')
      const keys = []
      for await (const found of objects.list(`${key}`)) keys.push(found)
      expect(keys).toEqual([key])
    })

    test.each([
      ['image/png', PNG],
      ['application/pdf', PDF],
      ['text/markdown', Buffer.from('# Überschrift')],
      ['text/html; charset=utf-8', Buffer.from('<!doctype html><p>hello')],
      ['application/json', Buffer.from('{"a": 1}')],
      ['image/svg+xml', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
      ['text/plain', Buffer.alloc(0)],
      ['text/plain', Buffer.from('字'.repeat(5_000))],
      ['application/x-of-my-own', Buffer.from([1, 2, 3])],
    ])('content that is %s is taken as such', async (mediaType, data) => {
      expect(await objects.write(key, inParts(data), { mediaType, maxBytes: 100_000 })).toMatchObject({
        mediaType,
      })
    })

    test.each([
      ['image/png', PDF],
      ['image/png', Buffer.from('<script>alert(1)</script>')],
      ['application/pdf', PNG],
      ['text/plain', PNG],
      ['text/plain', Buffer.from('a\0b')],
      ['application/json', Buffer.from([0xff, 0xfe, 0x41])],
      ['application/x-of-my-own', PNG],
    ])('content that is not %s is refused', async (mediaType, data) => {
      await expect(objects.write(key, inParts(data), { mediaType, maxBytes: 100_000 })).rejects.toMatchObject(
        {
          code: 'unsupported_media_type',
        },
      )
      expect(await objects.metadata(key)).toBeUndefined()
    })

    test('what is not there has no facts, and reading it is told', async () => {
      expect(await objects.metadata(key)).toBeUndefined()
      await expect(objects.read(key)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('damage is told to whoever reads', async () => {
      await objects.write(key, inParts(randomBytes(300_000)), declareBytes())
      await storeUnderTest.damage(key)
      await expect(readBack()).rejects.toMatchObject({ code: 'failed', message: /damaged/ })
    })

    test('of two that write at once one wins, whole', async () => {
      const [one, two] = [randomBytes(500_000), randomBytes(400_000)]
      await Promise.all([one, two].map(data => objects.write(key, inParts(data), declareBytes())))
      const kept = await readBack()
      expect([one, two].some(data => data.equals(kept))).toBe(true)
    })

    test('a reader who leaves disturbs nobody', async () => {
      const data = randomBytes(5 * MEGABYTE)
      await objects.write(key, inParts(data), declareBytes(5 * MEGABYTE))
      for (let n = 0; n < 20; n++) for await (const _ of (await objects.read(key)).data) break
      expect((await readBack()).equals(data)).toBe(true)
    })

    test('keys are listed by their beginning, in order', async () => {
      for (const end of ['b', 'a/2', 'a/1']) await objects.put(`${key}/${end}`, Buffer.from(end))
      const keys = []
      for await (const found of objects.list(`${key}/`)) keys.push(found)
      expect(keys).toEqual([`${key}/a/1`, `${key}/a/2`, `${key}/b`])
    })

    test('old objects go to cold storage once, and are read, replaced and deleted as before', async () => {
      const data = randomBytes(10_000)
      const facts = await objects.write(key, inParts(data), declareBytes())
      expect(await objects.archive(Date.now() - 3_600_000)).toBe(0)
      expect(await objects.archive(Date.now() + 3_600_000)).toBeGreaterThan(0)
      expect(await objects.metadata(key)).toEqual({ ...facts, cold: true })
      expect(await objects.archive(Date.now() + 3_600_000)).toBe(0)
      expect((await readBack()).equals(data)).toBe(true)
      await objects.put(key, Buffer.from('new'))
      expect((await readBack()).toString()).toBe('new')
      expect(await objects.metadata(key)).toMatchObject({ bytes: 3, cold: false })
      await objects.archive(Date.now() + 3_600_000)
      await objects.delete(key)
      expect(await objects.metadata(key)).toBeUndefined()
    })
  })
}
