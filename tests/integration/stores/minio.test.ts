import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMinioObjects } from '../../../shared/objects/minio.ts'
import { objectStoreSuite } from '../../../shared/objects/object-store.suite.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { protectedObjects } from '../../../shared/protection/stores/protected-objects.ts'
import { openTestKeys } from '../../../shared/protection/stores/protected-sqlite.fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startStallingProxy } from '../../support/stalling-proxy.ts'
import { startMinio } from '../../support/stores/minio.ts'
import { until } from '../../support/until.ts'

const server = (await startOrSkip(startMinio))!
afterAll(() => server?.close())

const openObjects = (bucket: string, endpoint = server.endpoint, silenceMs = 15_000) => {
  const { accessKey, secretKey } = server
  return openMinioObjects({
    endpoint,
    accessKey,
    secretKey,
    bucket,
    coldClass: 'REDUCED_REDUNDANCY',
    idleTimeoutMs: silenceMs,
  })
}

async function* chunksOf(data: Buffer) {
  for (let at = 0; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536)
}

const writeOptions = { mediaType: 'application/octet-stream', maxBytes: 100_000_000 }

describe.skipIf(!server)(`MinIO ${server?.version}`, () => {
  const damageIn = (bucket: string) => async (key: string) => {
    const { accessKey, secretKey, port } = server
    const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey })
    const { metaData } = await client.statObject(bucket, key)
    const data = await buffer(await client.getObject(bucket, key))
    data[data.length >> 1]! ^= 1
    await client.putObject(bucket, key, data, data.length, { sha256: metaData.sha256 })
  }

  objectStoreSuite('objects on minio', async () => ({
    objects: await openObjects('suite'),
    damage: damageIn('suite'),
    stop: async () => undefined,
  }))

  objectStoreSuite('objects on minio, encrypted', async () => {
    const home = await mkdtemp(join(tmpdir(), 'lares-protected-'))
    return {
      objects: protectedObjects(await openObjects('encrypted'), await openTestKeys(home)),
      damage: damageIn('encrypted'),
      stop: () => rm(home, { recursive: true }),
    }
  })

  describe('links', () => {
    let objects: ObjectStore
    beforeAll(async () => {
      objects = await openObjects('links')
      await objects.write('pictures/1', chunksOf(Buffer.from('hello')), {
        mediaType: 'text/plain',
        maxBytes: 9,
      })
    })

    test.each(['report.txt', '報告書 🙂.txt', `a"b'c;d\r\ne.txt`, 'تقرير.txt'])(
      'a link gives the object to whoever has it, under the name %j',
      async name => {
        const link = await objects.link('pictures/1', { seconds: 60, name })
        const answer = await fetch(link!)
        expect([answer.status, await answer.text()]).toEqual([200, 'hello'])
        const disposition = answer.headers.get('content-disposition')!
        expect(decodeURIComponent(disposition.split("''")[1]!)).toBe(name)
      },
    )

    test('it is for this object, and for its time', async () => {
      const link = await objects.link('pictures/1', { seconds: 1, name: 'a' })
      expect((await fetch(link!.replace('pictures/1', 'pictures/2'))).status).toBe(403)
      expect((await fetch(link!.split('?')[0]!)).status).toBe(403)
      await until(async () => (await fetch(link!)).status === 403)
    })
  })

  describe('a MinIO that fails', () => {
    const data = randomBytes(3_000_000)

    test('away, calls say where it should be; started again, everything is there', async () => {
      const objects = await openObjects('away')
      await objects.write('kept', chunksOf(data), writeOptions)
      await server.halt('SIGKILL')
      const results = await Promise.allSettled([
        objects.check(),
        objects.get('kept'),
        objects.metadata('kept'),
        objects.put('new', data),
        objects.write('new', chunksOf(data), writeOptions),
        objects.delete('kept'),
        objects.list('').next(),
      ])
      for (const result of results)
        expect(result).toMatchObject({ reason: { code: 'unavailable', message: /127\.0\.0\.1:\d+/ } })
      await expect(openObjects('other')).rejects.toMatchObject({ code: 'unavailable' })
      await server.start()
      expect((await objects.get('kept')).equals(data)).toBe(true)
      expect(await objects.metadata('new')).toBeUndefined()
    })

    test('killed while it takes an object, it has all of it or nothing', async () => {
      const objects = await openObjects('killed')
      const writes = Array.from({ length: 30 }, (_, n) => {
        const key = `object-${n}`
        return objects.write(key, chunksOf(data), writeOptions).then(
          () => [key, true] as const,
          () => [key, false] as const,
        )
      })
      await Promise.race(writes)
      await server.halt('SIGKILL')
      const results = await Promise.all(writes)
      await server.start()
      for (const [key, written] of results) {
        const there = await objects.metadata(key)
        if (written) expect(there).toMatchObject({ bytes: data.length })
        if (there) expect((await objects.get(key)).equals(data)).toBe(true)
      }
    })

    test('a connection that breaks in the middle of a stream is told to the reader', async () => {
      const proxy = await startStallingProxy(server.port)
      const objects = await openObjects('broken', `http://127.0.0.1:${proxy.port}`)
      const large = randomBytes(30_000_000)
      await objects.write('large', chunksOf(large), writeOptions)
      const { data: stream } = await objects.read('large')
      const reading = (async () => {
        for await (const _ of stream) proxy.heal()
      })()
      await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
      expect((await objects.get('large')).equals(large)).toBe(true)
      await proxy.close()
    })

    test('a server that falls silent is given up', async () => {
      const proxy = await startStallingProxy(server.port)
      const objects = await openObjects('silent', `http://127.0.0.1:${proxy.port}`, 300)
      await objects.put('small', Buffer.from('x'))
      proxy.stall()
      await expect(objects.get('small')).rejects.toMatchObject({ code: 'unavailable', message: /300 ms/ })
      proxy.heal()
      expect((await objects.get('small')).toString()).toBe('x')
      await proxy.close()
    })

    test('wrong keys are told', async () => {
      const wrong = openMinioObjects({ ...server, secretKey: 'not-the-secret', bucket: 'suite' })
      await expect(wrong).rejects.toMatchObject({ code: 'unavailable' })
    })
  })
})
