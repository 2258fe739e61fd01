import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { deleteMemories, saveMemory } from '../../../shared/knowledge/memories.ts'
import { DOCUMENTS_COLLECTION, PASSAGES_COLLECTION, passageId } from '../../../shared/knowledge/passages.ts'
import { checkVectors } from '../doctor/model.ts'
import { rebuildMemories } from './memory-rebuild.ts'

const CREATED_AT = '2026-05-01T12:00:00.000Z'
const memorySource = { message: 'm', conversation: 'c', saidAt: CREATED_AT }

let home: string
let server: Server
/** The texts of each embedding request, with the model. */
let embeddingRequests: { model: string; input: string[] }[]
/** The number of requests that the server answers; it fails the others. */
let maxAnswers: number
let stdoutWrite: MockInstance<typeof process.stdout.write>

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-rebuild-'))
  embeddingRequests = []
  maxAnswers = Number.POSITIVE_INFINITY
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; input: string[] }
    if (embeddingRequests.length >= maxAnswers) return void response.writeHead(503).end()
    embeddingRequests.push(body)
    // Each model has another vector size.
    const size = body.model === 'large' ? 5 : 3
    const embedding = (text: string) => Array.from({ length: size }, (_, at) => 1 + text.length * at)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: body.input.map(text => ({ embedding: embedding(text) })) }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stdoutWrite = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
})
afterEach(async () => {
  stdoutWrite.mockRestore()
  await new Promise(resolve => server.close(resolve))
  await rm(home, { recursive: true })
})

const environmentOf = (model: string) =>
  readEnvironment({
    LARES_HOME: home,
    OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    LARES_EMBEDDING_MODEL: model,
  })

async function withTestStores<T>(work: (stores: TestStores) => Promise<T>): Promise<T> {
  const drivers = openDrivers(environmentOf('small'), silentLogger)
  try {
    for (const person of ['ann', 'bob']) await drivers.protection!.keys.getOrCreate(person)
    return await work({ store: await drivers.store(), vectors: await drivers.vectors() })
  } finally {
    await drivers.close()
  }
}
type TestStores = {
  store: Awaited<ReturnType<ReturnType<typeof openDrivers>['store']>>
  vectors: Awaited<ReturnType<ReturnType<typeof openDrivers>['vectors']>>
}

const rememberFacts = ({ store }: TestStores, person: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      saveMemory(store.records, person, { text: `fact ${n} of ${person}`, subject: `${n}` }, memorySource),
    ),
  )

/** Stores the rows that ingestion makes, as functions/memory/documents does. */
async function storeDocument({ store }: TestStores, person: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await store.records.put(PASSAGES_COLLECTION, {
      id: passageId('handbook', n),
      person,
      text: `passage ${n}`,
      body: { document: 'handbook', n, place: {}, led: 0 },
      createdAt: CREATED_AT,
    })
  const body = { passages: count }
  await store.records.put(DOCUMENTS_COLLECTION, {
    id: 'handbook',
    person,
    text: 'handbook.md',
    body,
    createdAt: CREATED_AT,
  })
}

async function runRebuild(model: string, flags: { prune?: boolean } = {}): Promise<Record<string, unknown>> {
  stdoutWrite.mockClear()
  await rebuildMemories(environmentOf(model), { ...flags, json: true })
  return JSON.parse(stdoutWrite.mock.calls.map(([text]) => text).join(''))
}

const vectorIdsIn = ({ vectors }: TestStores, id: string, dimensions: number, person: string) =>
  vectors.index({ id, dimensions }).then(async index => {
    const ids: string[] = []
    for await (const entry of index.read(person)) ids.push(entry.id)
    return ids.toSorted()
  })

test('memories and passages of everybody get vectors of the model that is set, beside those of the one before', async () => {
  const ids = await withTestStores(async stores => {
    await storeDocument(stores, 'ann', 20)
    return [await rememberFacts(stores, 'ann', 3), await rememberFacts(stores, 'bob', 2)]
  })
  expect(await runRebuild('small')).toEqual({
    model: 'small',
    people: 2,
    memories: 5,
    passages: 20,
    others: [],
    pruned: [],
  })
  expect(await runRebuild('large')).toMatchObject({
    memories: 5,
    passages: 20,
    others: ['small', 'small/passages'],
  })
  await withTestStores(async stores => {
    for (const [model, dimensions] of [
      ['small', 3],
      ['large', 5],
    ] as const) {
      expect(await vectorIdsIn(stores, model, dimensions, 'ann')).toEqual(ids[0]!.toSorted())
      expect(await vectorIdsIn(stores, model, dimensions, 'bob')).toEqual(ids[1]!.toSorted())
      expect(await vectorIdsIn(stores, `${model}/passages`, dimensions, 'ann')).toHaveLength(20)
    }
  })
})

test('one that was cut short is gone on with, and a second one has nothing to do', async () => {
  await withTestStores(stores => rememberFacts(stores, 'ann', 40))
  // The server answers the sample and the first of three batches.
  maxAnswers = 2
  await expect(runRebuild('small')).rejects.toMatchObject({ code: 'unavailable' })
  maxAnswers = Number.POSITIVE_INFINITY
  expect(await runRebuild('small')).toMatchObject({ memories: 24 })
  expect(await runRebuild('small')).toMatchObject({ memories: 0 })
  const texts = embeddingRequests.flatMap(({ input }) => input).filter(text => text.startsWith('fact'))
  expect(texts.length).toBe(new Set(texts).size)
})

test('what is forgotten while it runs has no vector, and what is said meanwhile is there by the next', async () => {
  await withTestStores(async stores => {
    await rememberFacts(stores, 'ann', 20)
    const { records } = stores.store
    server.prependListener('request', () => {
      if (embeddingRequests.length !== 1) return
      const gone = deleteMemories(
        records,
        { person: 'ann', saidAt: CREATED_AT },
        ({ text }) => text === 'fact 3 of ann',
      )
      const more = saveMemory(records, 'ann', { text: 'fact of now', subject: 'now' }, memorySource)
      void Promise.all([gone, more])
    })
    await runRebuild('small')
    await runRebuild('small')
    const ids = await vectorIdsIn(stores, 'small', 3, 'ann')
    const kept = await records.list({ collection: 'memories', person: 'ann', limit: 100 })
    expect(kept.map(({ text }) => text)).toContain('fact of now')
    expect(ids).toEqual(kept.map(({ id }) => id).toSorted())
    expect(kept).toHaveLength(20)
  })
})

test('prune removes the vectors of all other models, and the doctor says when those set are not there', async () => {
  await withTestStores(stores => rememberFacts(stores, 'ann', 2))
  await runRebuild('small')
  const [before] = await checkVectors(environmentOf('large'))
  expect(before).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/vectors of small.*the embedding model is large.*lares memory rebuild/),
  })
  expect(await runRebuild('large', { prune: true })).toMatchObject({
    others: [],
    pruned: ['small', 'small/passages'],
  })
  expect(await checkVectors(environmentOf('large'))).toEqual([
    { level: 'ok', what: 'vectors', message: 'of large' },
  ])
  await withTestStores(async ({ vectors }) => {
    expect((await vectors.models()).map(({ id }) => id).toSorted()).toEqual(['large', 'large/passages'])
  })
})

test('with the embeddings off it says so', async () => {
  await expect(runRebuild('none')).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('LARES_EMBEDDING_MODEL is none'),
  })
})
