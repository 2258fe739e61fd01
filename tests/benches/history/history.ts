// npm run bench:history: the last 50 messages of a conversation while the history grows from 1e3 to 1e7 rows, on
// PostgreSQL and SQLite, and how many messages a second are written, against the same engine bare. `-- --largest 1e5`
// leaves the larger sizes out (1e7 takes about ten minutes and 8 GB of disk).
import { parseArgs } from 'node:util'
import { startPostgres } from '../../support/stores/postgres.ts'
import { mapByKey, percentiles, roundToThreeDigits } from '../statistics.ts'
import { BUSY_CONVERSATIONS, spreadConversationCount } from './rows.ts'
import { forEachConcurrently, type LoadedStore, loadPostgres, loadSqlite, measureRate } from './stores.ts'

const PAGE_SIZE = 50
const READS = 2_000
const WARM_UP_READS = 500
const WRITERS = 16
const SINGLE_INSERTS = 4_000
const BULK_ROWS = 100_000
const BATCH_SIZE = 100

const { values: options } = parseArgs({ options: { largest: { type: 'string', default: '1e7' } } })
const SIZES = [1e3, 1e5, 1e7].filter(size => size <= Number(options.largest))

/** p50 and p99 in milliseconds: of the busy conversations, which are as long as the history is, and of any one of the others. */
async function measureReads({ store }: LoadedStore, rows: number) {
  const measurePages = async (conversation: () => string, count: number) => {
    const durations: number[] = []
    for (let n = 0; n < count; n++) {
      const conversationId = conversation()
      const startedAt = performance.now()
      const page = await store.history.list(conversationId, { limit: PAGE_SIZE })
      durations.push(performance.now() - startedAt)
      if (page.length !== PAGE_SIZE) throw new Error(`${conversationId} has ${page.length} messages`)
    }
    return percentiles(durations)
  }
  const pick = (count: number) => Math.floor(Math.random() * count)
  const busy = () => `busy-${pick(BUSY_CONVERSATIONS)}`
  const spread = () => `spread-${pick(spreadConversationCount(rows))}`
  await measurePages(busy, WARM_UP_READS)
  const [long, any] = [await measurePages(busy, READS), await measurePages(spread, READS)]
  return { p50Ms: long.p50, p99Ms: long.p99, anyP50Ms: any.p50, anyP99Ms: any.p99 }
}

const createMessage = (id: string) => ({
  id,
  role: 'user' as const,
  text: `${id}: about as long as what people say to an assistant, give or take`,
  inReplyTo: null,
  createdAt: new Date().toISOString(),
  status: 'queued' as const,
})

async function measureWrites(loaded: LoadedStore) {
  const { history, step } = loaded.store
  const ids = Array.from({ length: SINGLE_INSERTS }, (_, n) => `single-${n}`)
  const single = await measureRate(SINGLE_INSERTS, () =>
    forEachConcurrently(ids, WRITERS, id =>
      history.accept({ conversation: `writer-${id.slice(-2)}`, person: 'owner', message: createMessage(id) }),
    ),
  )
  const batches = Array.from({ length: BULK_ROWS / BATCH_SIZE }, (_, n) => n)
  const batched = await measureRate(BULK_ROWS, () =>
    forEachConcurrently(batches, WRITERS, n =>
      step({
        conversation: `batch-${n % 100}`,
        person: 'owner',
        eventId: `batch-${n}`,
        apply: () => ({
          state: {},
          messages: Array.from({ length: BATCH_SIZE }, (_, m) => createMessage(`batch-${n}-${m}`)),
          outcome: null,
        }),
      }),
    ),
  )
  return {
    ours: { single, batched },
    baseline: {
      single: await loaded.baselineSingle(SINGLE_INSERTS, WRITERS),
      batched: await loaded.baselineBulk(BULK_ROWS),
    },
  }
}

type ReadFigures = Awaited<ReturnType<typeof measureReads>>
type WriteFigures = Awaited<ReturnType<typeof measureWrites>>

const server = await startPostgres({
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  maintenance_work_mem: '512MB',
})
const stores = { postgres: (rows: number) => loadPostgres(server, rows), sqlite: loadSqlite }
type Name = keyof typeof stores
const names = Object.keys(stores) as Name[]
const readFigures: Record<Name, Record<number, ReadFigures>> = { postgres: {}, sqlite: {} }
const writeFigures = {} as Record<Name, WriteFigures>
try {
  for (const rows of SIZES)
    for (const name of names) {
      const startedAt = performance.now()
      const loaded = await stores[name](rows)
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      const figures = await measureReads(loaded, rows)
      readFigures[name][rows] = figures
      console.log(
        `${name} ${rows} rows (loaded in ${seconds} s): last ${PAGE_SIZE} p50 ${figures.p50Ms.toFixed(3)} ms`,
      )
      if (rows === 1e5) writeFigures[name] = await measureWrites(loaded)
      await loaded.close()
    }
} finally {
  await server.close()
}

const perStore = <T>(of: (name: Name) => T) => Object.fromEntries(names.map(name => [name, of(name)]))
const roundFigures = <K extends string>(figures: Record<K, number>) =>
  mapByKey([figures], ([value]) => value!)
const growth = (name: Name) => {
  const [least, most] = [readFigures[name][SIZES[0]!]!, readFigures[name][SIZES.at(-1)!]!]
  return mapByKey([most, least], ([large, small]) => large! / small!)
}
console.log(
  JSON.stringify({
    bench: 'history',
    ours: perStore(name => ({
      last50: Object.fromEntries(SIZES.map(size => [size, roundFigures(readFigures[name][size]!)])),
      insertsPerSecond: writeFigures[name] && roundFigures(writeFigures[name].ours),
    })),
    baseline: perStore(name => ({
      last50: roundFigures(readFigures[name][SIZES[0]!]!),
      insertsPerSecond: writeFigures[name] && roundFigures(writeFigures[name].baseline),
    })),
    ratio: perStore(name => ({
      last50: growth(name),
      inserts:
        writeFigures[name] &&
        mapByKey([writeFigures[name].ours, writeFigures[name].baseline], ([a, b]) =>
          roundToThreeDigits(a! / b!),
        ),
    })),
    units: {
      last50: 'ms; ratio: at the largest size / at the smallest',
      insertsPerSecond: `1/s; single: one durable transaction each, ${WRITERS} writers; batched: ours ${BATCH_SIZE} to a transaction, baseline COPY (PostgreSQL) or one transaction (SQLite)`,
    },
    settings: { sizes: SIZES, page: PAGE_SIZE, reads: READS, postgres: server.version },
  }),
)
