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

const AT = '2026-05-01T12:00:00.000Z'
const source = { message: 'm', conversation: 'c', saidAt: AT }

let home: string
let server: Server
/** The texts that each model was asked for. */
let asked: { model: string; input: string[] }[]
/** Requests that are answered; the others after it fail. */
let answers: number
let printed: MockInstance<typeof process.stdout.write>

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-rebuild-'))
  asked = []
  answers = Number.POSITIVE_INFINITY
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; input: string[] }
    if (asked.length >= answers) return void response.writeHead(503).end()
    asked.push(body)
    // Another model has another size.
    const size = body.model === 'large' ? 5 : 3
    const embedding = (text: string) => Array.from({ length: size }, (_, at) => 1 + text.length * at)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: body.input.map(text => ({ embedding: embedding(text) })) }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  printed = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
})
afterEach(async () => {
  printed.mockRestore()
  await new Promise(resolve => server.close(resolve))
  await rm(home, { recursive: true })
})

const environmentOf = (model: string) =>
  readEnvironment({
    LARES_HOME: home,
    OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    LARES_EMBEDDING_MODEL: model,
  })

async function inHouse<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
  const drivers = openDrivers(environmentOf('small'), silentLogger)
  try {
    for (const person of ['ann', 'bob']) await drivers.protection!.keys.getOrCreate(person)
    return await work({ store: await drivers.store(), vectors: await drivers.vectors() })
  } finally {
    await drivers.close()
  }
}
type Stores = {
  store: Awaited<ReturnType<ReturnType<typeof openDrivers>['store']>>
  vectors: Awaited<ReturnType<ReturnType<typeof openDrivers>['vectors']>>
}

const told = ({ store }: Stores, person: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      saveMemory(store.records, person, { text: `fact ${n} of ${person}`, subject: `${n}` }, source),
    ),
  )

/** What a reading leaves behind, as functions/memory/documents does it. */
async function readDocument({ store }: Stores, person: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await store.records.put(PASSAGES_COLLECTION, {
      id: passageId('handbook', n),
      person,
      text: `passage ${n}`,
      body: { document: 'handbook', n, place: {}, led: 0 },
      createdAt: AT,
    })
  const body = { passages: count }
  await store.records.put(DOCUMENTS_COLLECTION, {
    id: 'handbook',
    person,
    text: 'handbook.md',
    body,
    createdAt: AT,
  })
}

async function rebuilt(model: string, flags: { prune?: boolean } = {}): Promise<Record<string, unknown>> {
  printed.mockClear()
  await rebuildMemories(environmentOf(model), { ...flags, json: true })
  return JSON.parse(printed.mock.calls.map(([text]) => text).join(''))
}

const idsIn = ({ vectors }: Stores, id: string, dimensions: number, person: string) =>
  vectors.index({ id, dimensions }).then(async space => {
    const ids: string[] = []
    for await (const entry of space.read(person)) ids.push(entry.id)
    return ids.toSorted()
  })

test('memories and passages of everybody get vectors of the model that is set, beside those of the one before', async () => {
  const ids = await inHouse(async stores => {
    await readDocument(stores, 'ann', 20)
    return [await told(stores, 'ann', 3), await told(stores, 'bob', 2)]
  })
  expect(await rebuilt('small')).toEqual({
    model: 'small',
    people: 2,
    memories: 5,
    passages: 20,
    others: [],
    pruned: [],
  })
  expect(await rebuilt('large')).toMatchObject({
    memories: 5,
    passages: 20,
    others: ['small', 'small/passages'],
  })
  await inHouse(async stores => {
    for (const [model, dimensions] of [
      ['small', 3],
      ['large', 5],
    ] as const) {
      expect(await idsIn(stores, model, dimensions, 'ann')).toEqual(ids[0]!.toSorted())
      expect(await idsIn(stores, model, dimensions, 'bob')).toEqual(ids[1]!.toSorted())
      expect(await idsIn(stores, `${model}/passages`, dimensions, 'ann')).toHaveLength(20)
    }
  })
})

test('one that was cut short is gone on with, and a second one has nothing to do', async () => {
  await inHouse(stores => told(stores, 'ann', 40))
  // The sample, and the first of three batches.
  answers = 2
  await expect(rebuilt('small')).rejects.toMatchObject({ code: 'unavailable' })
  answers = Number.POSITIVE_INFINITY
  expect(await rebuilt('small')).toMatchObject({ memories: 24 })
  expect(await rebuilt('small')).toMatchObject({ memories: 0 })
  const texts = asked.flatMap(({ input }) => input).filter(text => text.startsWith('fact'))
  expect(texts.length).toBe(new Set(texts).size)
})

test('what is forgotten while it runs has no vector, and what is said meanwhile is there by the next', async () => {
  await inHouse(async stores => {
    await told(stores, 'ann', 20)
    const { records } = stores.store
    server.prependListener('request', () => {
      if (asked.length !== 1) return
      const gone = deleteMemories(
        records,
        { person: 'ann', saidAt: AT },
        ({ text }) => text === 'fact 3 of ann',
      )
      const more = saveMemory(records, 'ann', { text: 'fact of now', subject: 'now' }, source)
      void Promise.all([gone, more])
    })
    await rebuilt('small')
    await rebuilt('small')
    const ids = await idsIn(stores, 'small', 3, 'ann')
    const kept = await records.list({ collection: 'memories', person: 'ann', limit: 100 })
    expect(kept.map(({ text }) => text)).toContain('fact of now')
    expect(ids).toEqual(kept.map(({ id }) => id).toSorted())
    expect(kept).toHaveLength(20)
  })
})

test('prune removes the vectors of all other models, and the doctor says when those set are not there', async () => {
  await inHouse(stores => told(stores, 'ann', 2))
  await rebuilt('small')
  const [before] = await checkVectors(environmentOf('large'))
  expect(before).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/vectors of small.*the embedding model is large.*lares memory rebuild/),
  })
  expect(await rebuilt('large', { prune: true })).toMatchObject({
    others: [],
    pruned: ['small', 'small/passages'],
  })
  expect(await checkVectors(environmentOf('large'))).toEqual([
    { level: 'ok', what: 'vectors', message: 'of large' },
  ])
  await inHouse(async ({ vectors }) => {
    expect((await vectors.models()).map(({ id }) => id).toSorted()).toEqual(['large', 'large/passages'])
  })
})

test('with the embeddings off it says so', async () => {
  await expect(rebuilt('none')).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('LARES_EMBEDDING_MODEL is none'),
  })
})
