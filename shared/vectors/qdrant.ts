import { QdrantClient } from '@qdrant/js-client-rest'
import { v5 as uuid } from 'uuid'
import { LaresError } from '../base/errors.ts'
import { newerDataError } from '../base/version.ts'
import { type EmbeddingModel, requireValidVector, type VectorIndex, type Vectors } from './vectors.ts'

export type QdrantOptions = { url: string; apiKey?: string | undefined; timeoutMs?: number }

/** Points have UUIDs. A point's UUID is derived from its person and id, so that writing it again replaces it. */
const POINT_NAMESPACE = '6b5f6d0e-3c1b-5b6a-9d0e-2f6f0c7f4e11'
const pointId = (person: string, id: string) => uuid(JSON.stringify([person, id]), POINT_NAMESPACE)

/**
 * A collection's name contains its format and its model, so both can be read from the name. `lares_` is format 1;
 * `lares2_` would be format 2.
 */
const COLLECTIONS_FORMAT = 1
const PREFIX = 'lares_'
const collectionOf = ({ id, dimensions }: EmbeddingModel) =>
  `${PREFIX}${dimensions}_${Buffer.from(id).toString('base64url')}`
function modelOf(collection: string): EmbeddingModel | undefined {
  const [, dimensions, id] = /^lares_(\d+)_([\w-]+)$/.exec(collection) ?? []
  return id && dimensions
    ? { id: Buffer.from(id, 'base64url').toString(), dimensions: Number(dimensions) }
    : undefined
}

/**
 * The settings of a new collection. People are tenants (https://qdrant.tech/documentation/guides/multiple-partitions/):
 * `person` has a tenant index, so that a person's vectors lie together. Each person has a graph (`payload_m`). There is
 * none over all people (`m: 0`), because no search would use it. Vectors are kept whole on disk, and quantized to one
 * byte for each number in memory. A search scans the quantized vectors, takes twice as many as asked for, and ranks
 * them by the whole vectors.
 */
const COLLECTION_SETTINGS = {
  hnsw_config: { m: 0, payload_m: 16, ef_construct: 128 },
  quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
} as const
const SEARCH_PARAMS = { hnsw_ef: 128, quantization: { rescore: true, oversampling: 2 } }

const personFilter = (person: string) => ({ must: [{ key: 'person', match: { value: person } }] })

/** Vectors in a Qdrant server, one collection for each model. Errors: `unavailable`. */
export function openQdrantVectors({ url, apiKey, timeoutMs = 10_000 }: QdrantOptions): Vectors {
  const client = new QdrantClient({
    url,
    timeout: timeoutMs,
    checkCompatibility: false,
    ...(apiKey && { apiKey }),
  })
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw new LaresError('unavailable', `Qdrant at ${url} cannot be used: ${reasonOf(cause)}`, { cause })
    }
  }
  const collections = async () => {
    const { collections } = await call(() => client.getCollections())
    for (const { name } of collections) requireKnownFormat(url, name)
    return collections.map(({ name }) => name).filter(name => modelOf(name))
  }
  const countIn = async (collection: string, person?: string) => {
    const filter = person === undefined ? {} : { filter: personFilter(person) }
    return (await call(() => client.count(collection, { ...filter, exact: true }))).count
  }
  const make = async (collection: string, model: EmbeddingModel) => {
    if ((await collections()).includes(collection)) return
    const vectors = { size: model.dimensions, distance: 'Cosine', on_disk: true } as const
    await call(() =>
      client.createCollection(collection, { vectors, ...COLLECTION_SETTINGS }).catch(error => {
        // Another process has just created the collection.
        if (statusOf(error) !== 409) throw error
      }),
    )
    const index = {
      field_name: 'person',
      field_schema: { type: 'keyword', is_tenant: true },
      wait: true,
    } as const
    await call(() => client.createPayloadIndex(collection, index))
  }
  return {
    async index(model) {
      const collection = collectionOf(model)
      await make(collection, model)
      return openIndex({ client, call, countIn }, model, collection)
    },
    models: async () => (await collections()).map(name => modelOf(name)!),
    async drop(model) {
      await call(() => client.deleteCollection(collectionOf(model)))
    },
    async erase(person) {
      let forgotten = 0
      for (const collection of await collections()) {
        forgotten += await countIn(collection, person)
        await call(() => client.delete(collection, { wait: true, filter: personFilter(person) }))
      }
      return forgotten
    },
    async check() {
      await collections()
    },
    close: async () => undefined,
  }
}

const PAGE_SIZE = 500

/** Errors: `invalid_config` for a collection of a newer Lares. */
function requireKnownFormat(url: string, collection: string): void {
  const found = Number(/^lares(\d+)_/.exec(collection)?.[1] ?? COLLECTIONS_FORMAT)
  if (found > COLLECTIONS_FORMAT)
    throw newerDataError({
      what: `the collection ${collection} of Qdrant at ${url}`,
      found,
      known: COLLECTIONS_FORMAT,
    })
}

const statusOf = (error: unknown) => (error as { status?: number }).status

/** The server gives the reason in the body; fetch gives it in the cause. */
function reasonOf(thrown: unknown): string {
  const { message, data, cause } = thrown as Error & { data?: { status?: { error?: string } }; cause?: Error }
  return data?.status?.error ?? (cause?.message || message)
}

type Server = {
  client: QdrantClient
  call<T>(work: () => Promise<T>): Promise<T>
  countIn(collection: string, person?: string): Promise<number>
}

const openIndex = (
  { client, call, countIn }: Server,
  model: EmbeddingModel,
  collection: string,
): VectorIndex => ({
  async upsert(entries) {
    for (const { values } of entries) requireValidVector(values, model)
    if (entries.length === 0) return
    const points = entries.map(({ person, id, values }) => ({
      id: pointId(person, id),
      vector: Array.from(values),
      payload: { person, id },
    }))
    await call(() => client.upsert(collection, { wait: true, points }))
  },
  async search({ person, values, limit }) {
    requireValidVector(values, model)
    const asked = {
      query: Array.from(values),
      filter: personFilter(person),
      limit,
      params: SEARCH_PARAMS,
      with_payload: ['id'],
    }
    const { points } = await call(() => client.query(collection, asked))
    return points.map(({ payload, score }) => ({ id: String(payload?.id), score }))
  },
  async *read(person) {
    let offset: string | number | undefined
    do {
      const asked = {
        filter: personFilter(person),
        limit: PAGE_SIZE,
        with_payload: ['id'],
        with_vector: true,
      }
      const page = await call(() =>
        client.scroll(collection, { ...asked, ...(offset !== undefined && { offset }) }),
      )
      for (const { payload, vector } of page.points)
        yield { person, id: String(payload?.id), values: Float32Array.from(vector as number[]) }
      offset = (page.next_page_offset ?? undefined) as typeof offset
    } while (offset !== undefined)
  },
  async delete(person, ids) {
    if (ids.length === 0) return
    const points = ids.map(id => pointId(person, id))
    await call(() => client.delete(collection, { wait: true, points }))
  },
  count: person => countIn(collection, person),
})
