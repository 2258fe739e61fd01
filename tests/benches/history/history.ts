// npm run bench:history: the last 50 messages of a conversation while the history grows from 1e3 to 1e7 rows, on
// PostgreSQL and SQLite, and how many messages a second are written, against the same engine bare. `-- --largest 1e5`
// leaves the larger sizes out (1e7 takes about ten minutes and 8 GB of disk).
import { parseArgs } from 'node:util'
import { startPostgres } from '../../support/stores/postgres.ts'
import { byKey, percentiles, rounded } from '../statistics.ts'
import { BUSY, spreadCount } from './rows.ts'
import { inTurns, type Loaded, loadPostgres, loadSqlite, perSecond } from './stores.ts'

const PAGE = 50
const READS = 2_000
const WARM_UP = 500
const WRITERS = 16
const SINGLE = 4_000
const BULK = 100_000
const BATCH = 100

const { values: options } = parseArgs({ options: { largest: { type: 'string', default: '1e7' } } })
const SIZES = [1e3, 1e5, 1e7].filter(size => size <= Number(options.largest))

/** p50 and p99 in milliseconds: of the busy conversations, which are as long as the history is, and of any one of the others. */
async function reads({ store }: Loaded, rows: number) {
  const read = async (conversation: () => string, count: number) => {
    const taken: number[] = []
    for (let n = 0; n < count; n++) {
      const asked = conversation()
      const startedAt = performance.now()
      const page = await store.history.list(asked, { limit: PAGE })
      taken.push(performance.now() - startedAt)
      if (page.length !== PAGE) throw new Error(`${asked} has ${page.length} messages`)
    }
    return percentiles(taken)
  }
  const pick = (count: number) => Math.floor(Math.random() * count)
  const busy = () => `busy-${pick(BUSY)}`
  const spread = () => `spread-${pick(spreadCount(rows))}`
  await read(busy, WARM_UP)
  const [long, any] = [await read(busy, READS), await read(spread, READS)]
  return { p50Ms: long.p50, p99Ms: long.p99, anyP50Ms: any.p50, anyP99Ms: any.p99 }
}

const message = (id: string) => ({
  id,
  role: 'user' as const,
  text: `${id}: about as long as what people say to an assistant, give or take`,
  inReplyTo: null,
  createdAt: new Date().toISOString(),
  status: 'queued' as const,
})

async function writes(loaded: Loaded) {
  const { history, step } = loaded.store
  const ids = Array.from({ length: SINGLE }, (_, n) => `single-${n}`)
  const single = await perSecond(SINGLE, () =>
    inTurns(ids, WRITERS, id =>
      history.accept({ conversation: `writer-${id.slice(-2)}`, person: 'owner', message: message(id) }),
    ),
  )
  const batches = Array.from({ length: BULK / BATCH }, (_, n) => n)
  const batched = await perSecond(BULK, () =>
    inTurns(batches, WRITERS, n =>
      step({
        conversation: `batch-${n % 100}`,
        person: 'owner',
        eventId: `batch-${n}`,
        apply: () => ({
          state: {},
          messages: Array.from({ length: BATCH }, (_, m) => message(`batch-${n}-${m}`)),
          outcome: null,
        }),
      }),
    ),
  )
  return {
    ours: { single, batched },
    baseline: { single: await loaded.bareSingle(SINGLE, WRITERS), batched: await loaded.bareBulk(BULK) },
  }
}

type Reads = Awaited<ReturnType<typeof reads>>
type Writes = Awaited<ReturnType<typeof writes>>

const server = await startPostgres({
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  maintenance_work_mem: '512MB',
})
const stores = { postgres: (rows: number) => loadPostgres(server, rows), sqlite: loadSqlite }
type Name = keyof typeof stores
const names = Object.keys(stores) as Name[]
const read: Record<Name, Record<number, Reads>> = { postgres: {}, sqlite: {} }
const written = {} as Record<Name, Writes>
try {
  for (const rows of SIZES)
    for (const name of names) {
      const startedAt = performance.now()
      const loaded = await stores[name](rows)
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      const figures = await reads(loaded, rows)
      read[name][rows] = figures
      console.log(
        `${name} ${rows} rows (loaded in ${seconds} s): last ${PAGE} p50 ${figures.p50Ms.toFixed(3)} ms`,
      )
      if (rows === 1e5) written[name] = await writes(loaded)
      await loaded.close()
    }
} finally {
  await server.close()
}

const each = <T>(of: (name: Name) => T) => Object.fromEntries(names.map(name => [name, of(name)]))
const round = <K extends string>(figures: Record<K, number>) => byKey([figures], ([value]) => value!)
const growth = (name: Name) => {
  const [least, most] = [read[name][SIZES[0]!]!, read[name][SIZES.at(-1)!]!]
  return byKey([most, least], ([large, small]) => large! / small!)
}
console.log(
  JSON.stringify({
    bench: 'history',
    ours: each(name => ({
      last50: Object.fromEntries(SIZES.map(size => [size, round(read[name][size]!)])),
      insertsPerSecond: written[name] && round(written[name].ours),
    })),
    baseline: each(name => ({
      last50: round(read[name][SIZES[0]!]!),
      insertsPerSecond: written[name] && round(written[name].baseline),
    })),
    ratio: each(name => ({
      last50: growth(name),
      inserts:
        written[name] && byKey([written[name].ours, written[name].baseline], ([a, b]) => rounded(a! / b!)),
    })),
    units: {
      last50: 'ms; ratio: at the largest size / at the smallest',
      insertsPerSecond: `1/s; single: one durable transaction each, ${WRITERS} writers; batched: ours ${BATCH} to a transaction, baseline COPY (PostgreSQL) or one transaction (SQLite)`,
    },
    settings: { sizes: SIZES, page: PAGE, reads: READS, postgres: server.version },
  }),
)
