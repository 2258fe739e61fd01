import { Client } from 'minio'
import { afterAll, expect, test } from 'vitest'
import { openMinioObjects } from '../../../shared/objects/minio.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { openQdrantVectors } from '../../../shared/vectors/qdrant.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startMinio } from '../../support/stores/minio.ts'
import { startQdrant } from '../../support/stores/qdrant.ts'

const qdrant = await startOrSkip(startQdrant)
const minio = await startOrSkip(startMinio)
afterAll(async () => {
  await minio?.close()
  await qdrant?.close()
})

test.skipIf(!minio)(
  'a bucket gets a format, which no list shows, and one of a newer Lares is refused',
  async () => {
    const { endpoint, accessKey, secretKey } = minio!
    const options = { endpoint, accessKey, secretKey, bucket: 'formats' }
    const objects = await openMinioObjects(options)
    await objects.put('people/x/a', Buffer.from('kept'))
    expect(await keysOf(objects)).toEqual(['people/x/a'])
    const { hostname, port } = new URL(endpoint)
    const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey })
    await client.removeObject('formats', '.lares-format')
    // As Lares 0.1.0 left it.
    expect((await (await openMinioObjects(options)).get('people/x/a')).toString()).toBe('kept')
    await client.putObject('formats', '.lares-format', JSON.stringify({ format: 2, lares: '9.8.7' }))
    await expect(openMinioObjects(options)).rejects.toThrow(/schema 2, .*start Lares 9\.8\.7 or later/)
  },
)

test.skipIf(!qdrant)('a collection of a newer Lares is refused before anything is written', async () => {
  const name = 'lares2_24_dGVzdA'
  const answer = await fetch(`${qdrant!.url}/collections/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ vectors: { size: 24, distance: 'Cosine' } }),
  })
  expect(answer.ok).toBe(true)
  const vectors = openQdrantVectors({ url: qdrant!.url })
  const refusal = /lares2_24_dGVzdA.* was written by a newer Lares \(schema 2, this one knows 1\)/
  await expect(vectors.index({ id: 'test', dimensions: 24 })).rejects.toThrow(refusal)
  await expect(vectors.check()).rejects.toThrow(refusal)
})

async function keysOf(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const key of objects.list('')) keys.push(key)
  return keys
}
