// npm run bench:recall: 100,000 memories of 1,000 people, each searched among one person's. recall@10 is against comparing
// with every vector of the person by hand; embedded is sqlite-vec, engine is Qdrant's (or the server at QDRANT_URL).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQdrantVectors } from '../../shared/vectors/qdrant.ts'
import { openSqliteVectors } from '../../shared/vectors/sqlite.ts'
import { cosine, randomVectors } from '../../shared/vectors/vectors.suite.ts'
import type { VectorEntry, Vectors } from '../../shared/vectors/vectors.ts'
import { startQdrant } from '../support/stores/qdrant.ts'
import { mapByKey, percentiles } from './statistics.ts'

const MODEL = { id: 'bench-recall', dimensions: 384 }
/** People differ: a few have thousands of memories, most have some dozens (Zipf, at least 10 each). */
const MEMORIES = 100_000
const PEOPLE = 1_000
const QUERIES = 1_000
const K = 10
const BATCH = 500
/**
 * The topics of memories: memories lie around them, closer than the topics to each other, as sentence embeddings do.
 */
const TOPICS = 200
const SPREAD = 0.5

const randomVector = randomVectors(42)
const topics = Array.from({ length: TOPICS }, () => randomVector(MODEL.dimensions))
const vectorAbout = (n: number) => randomVector(MODEL.dimensions, topics[n % TOPICS], SPREAD)

function generateMemories(): VectorEntry[][] {
  const weights = Array.from({ length: PEOPLE }, (_, rank) => 1 / (rank + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const spare = MEMORIES - PEOPLE * 10
  let left = spare
  return weights.map((weight, person) => {
    const share = person === PEOPLE - 1 ? left : Math.floor((spare * weight) / total)
    left -= share
    return Array.from({ length: 10 + share }, (_, n) => ({
      person: `person-${person}`,
      id: `${person}-${n}`,
      values: vectorAbout(person * 7 + (n % 20)),
    }))
  })
}

const memoriesByPerson = generateMemories()
const queries = Array.from({ length: QUERIES }, (_, n) => {
  // Every other question is for a person with many memories, where an index can miss some.
  const person = n % 2 === 0 ? (n / 2) % 20 : (n * 37) % PEOPLE
  const values = vectorAbout(person * 7 + (n % 20))
  const nearest = memoriesByPerson[person]!.map(({ id, values: of }) => ({ id, score: cosine(of, values) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, K)
  return { person: `person-${person}`, values, nearest: new Set(nearest.map(({ id }) => id)) }
})

async function measure(vectors: Vectors, settle: () => Promise<unknown>) {
  const space = await vectors.index(MODEL)
  const all = memoriesByPerson.flat()
  const loadedAt = performance.now()
  for (let at = 0; at < all.length; at += BATCH) await space.upsert(all.slice(at, at + BATCH))
  const upsertsPerSecond = MEMORIES / ((performance.now() - loadedAt) / 1_000)
  await settle()
  let hits = 0
  let expected = 0
  const durations: number[] = []
  for (const { person, values, nearest } of queries) {
    const startedAt = performance.now()
    const found = await space.search({ person, values, limit: K })
    durations.push(performance.now() - startedAt)
    hits += found.filter(({ id }) => nearest.has(id)).length
    expected += nearest.size
  }
  const { p50, p99 } = percentiles(durations)
  return { recallAt10: hits / expected, p50Ms: p50, p99Ms: p99, upsertsPerSecond }
}

const folder = await mkdtemp(join(tmpdir(), 'lares-recall-'))
const { QDRANT_URL, QDRANT_API_KEY } = process.env
const engine = QDRANT_URL ? undefined : await startQdrant()
const url = QDRANT_URL ?? engine!.url
const collection = `lares_${MODEL.dimensions}_${Buffer.from(MODEL.id).toString('base64url')}`
const embedded = openSqliteVectors(join(folder, 'vectors.db'))
const qdrant = openQdrantVectors({ url, apiKey: QDRANT_API_KEY, timeoutMs: 600_000 })
try {
  const optimize = async () => {
    if (engine) await (await fetch(`${url}/optimize/${collection}`, { method: 'POST' })).text()
  }
  const results = {
    embedded: await measure(embedded, async () => undefined),
    engine: await measure(qdrant, optimize),
  }
  const round = (figures: Record<string, number>) => mapByKey([figures], ([value]) => value!)
  console.log(
    JSON.stringify({
      bench: 'recall',
      ours: { embedded: round(results.embedded), engine: round(results.engine) },
      baseline: { recallAt10: 1 },
      ratio: { embedded: results.embedded.recallAt10, engine: results.engine.recallAt10 },
      units: { recallAt10: `share of the ${K} nearest that were found`, p50Ms: 'ms', p99Ms: 'ms' },
      settings: {
        memories: MEMORIES,
        people: PEOPLE,
        most: memoriesByPerson[0]!.length,
        queries: QUERIES,
        engine: engine?.version ?? 'server',
      },
    }),
  )
} finally {
  await qdrant.drop(MODEL)
  await embedded.close()
  await engine?.close()
  await rm(folder, { recursive: true })
}
