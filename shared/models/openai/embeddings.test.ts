import { expect, test } from 'vitest'
import { refuseWith, startModelServer } from './server.fixture.ts'

const serveEmbeddings = (data: unknown[]) =>
  startModelServer(response => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data }))
  })

test('gives vectors of length 1 in the order of the texts, whatever the order of the answer', async () => {
  const { models, requests } = await serveEmbeddings([
    { index: 1, embedding: [0, 2] },
    { index: 0, embedding: [3, 4] },
  ])
  const { model, vectors } = await models.embed(['one', 'two'], 'query')
  expect(model).toBe('m')
  expect(vectors.map(vector => [...vector])).toEqual([
    [Math.fround(0.6), Math.fround(0.8)],
    [0, 1],
  ])
  expect(requests[0]).toMatchObject({
    path: '/v1/embeddings',
    body: { model: 'm', input: ['one', 'two'], encoding_format: 'float' },
  })
})

test('an answer with too few vectors is unavailable', async () => {
  const { models } = await serveEmbeddings([{ embedding: [1] }])
  await expect(models.embed(['one', 'two'], 'query')).rejects.toMatchObject({ code: 'unavailable' })
})

test('a refusal is said with its remedy', async () => {
  const { models } = await startModelServer(refuseWith(401, 'wrong key'))
  await expect(models.embed(['one'], 'passage')).rejects.toMatchObject({ code: 'rejected' })
})
