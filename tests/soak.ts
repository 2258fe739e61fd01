import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type InjectedMessage, inject } from '../infra/cli/inject/injection.ts'
import { median, roundToThreeDigits } from './benches/statistics.ts'
import { startInstance, TOKEN } from './support/instance.ts'
import { startModelServer } from './support/model-server.ts'

/**
 * `npm run test:soak -- --minutes N --rate R`: one process, embedded, that talks for a long time: chat, skills, notes,
 * reminders, new conversations and old ones, readers that come and go. Each round it is measured: memory, open handles,
 * threads, and the sizes of its files. What people say stays, so files grow with it; that growth must be the same for
 * each turn in the end as in the beginning, and memory, handles and write-ahead logs must not grow at all. Prints a line
 * for each round and one JSON object; exits with 1 when a message was lost, said twice or out of order.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '30' } },
})
const MINUTES = Number(values.minutes)
const RATE = Number(values.rate)
/** Messages of a round. */
const MESSAGES_PER_ROUND = 500
/** Conversations that continue from round to round; each round has as many new ones. */
const REGULAR_CONVERSATIONS = 25

const MESSAGE_TEMPLATES = [
  'message {n}',
  'what is {n} * 17?',
  'what time is it in Tokyo?',
  'take a note: parcel {n} is in the hall',
  'remember that locker {n} has my boots',
  'remind me in 3 seconds to turn round {n}',
  '今天天气不错，第 {n} 次',
]

type Sample = {
  turns: number
  /** Resident memory: the part that belongs to no file, and the part of it that V8 knows. */
  memoryMB: number
  anonymousMB: number
  heapMB: number
  externalMB: number
  handles: number
  threads: number
  files: Map<string, number>
}

const model = await startModelServer({})
const instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
const samples: Sample[] = []
const startedAt = performance.now()
let turns = 0
let failedRounds = 0
try {
  for (let round = 1; performance.now() - startedAt < MINUTES * 60_000; round++) {
    const report = await inject({
      url: instance.url,
      token: TOKEN,
      messages: roundMessages(round),
      ratePerSecond: RATE,
      timeoutMs: 120_000,
    })
    if (!report.ok) {
      failedRounds++
      console.log(JSON.stringify(report))
    }
    turns += report.acknowledged
    samples.push(await takeSample())
    console.log(formatSample(samples.at(-1)!))
  }
  console.log(JSON.stringify(summarise()))
  process.exitCode = failedRounds === 0 ? 0 : 1
} finally {
  await instance.stop()
  await model.close()
}

function* roundMessages(round: number): Generator<InjectedMessage> {
  for (let at = 0; at < MESSAGES_PER_ROUND; at++) {
    const n = round * MESSAGES_PER_ROUND + at
    const isRegular = at % 2 === 0
    yield {
      conversation: isRegular
        ? `regular-${at % (2 * REGULAR_CONVERSATIONS)}`
        : `round-${round}-${at % (2 * REGULAR_CONVERSATIONS)}`,
      text: MESSAGE_TEMPLATES[n % MESSAGE_TEMPLATES.length]!.replace('{n}', String(n)),
    }
  }
}

async function takeSample(): Promise<Sample> {
  const pid = instance.pid('embedded')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const number = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)![1])
  const metrics = await (await instance.request('/metrics')).text()
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)![1])
  return {
    turns,
    memoryMB: Math.round((number('VmRSS') * 1_024) / 1e6),
    anonymousMB: Math.round((number('RssAnon') * 1_024) / 1e6),
    heapMB: Math.round(gauge('nodejs_heap_size_total_bytes') / 1e6),
    externalMB: Math.round(gauge('nodejs_external_memory_bytes') / 1e6),
    handles: (await readdir(`/proc/${pid}/fd`)).length,
    threads: number('Threads'),
    files: await fileSizesIn(instance.home),
  }
}

/** Sizes in bytes by path; objects and other folders of many files as one. */
async function fileSizesIn(home: string): Promise<Map<string, number>> {
  const files = new Map<string, number>()
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(home.length + 1).split('/')[0]!
    // A file may go while it is looked at.
    const size = await stat(path).then(
      ({ size }) => size,
      () => 0,
    )
    files.set(name, (files.get(name) ?? 0) + size)
  }
  return files
}

function formatSample({ turns, memoryMB, anonymousMB, heapMB, externalMB, handles, threads, files }: Sample) {
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1)
  const sizes = [...files].map(([name, size]) => `${name} ${roundToThreeDigits(size / 1e6)}`).join(', ')
  const memory = `${memoryMB} MB (${anonymousMB} of no file; heap ${heapMB}, external ${externalMB})`
  return `${minutes} min, ${turns} turns: ${memory}, ${handles} handles, ${threads} threads; MB: ${sizes}`
}

/** The second quarter against the last, the first being warm-up. */
function summarise() {
  const quarter = Math.max(1, Math.floor(samples.length / 4))
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)]
  const medians = (of: (sample: Sample) => number) => [early, late].map(part => median(part.map(of)))
  const growth = (name: string, part: Sample[]) => {
    const [first, last] = [part[0]!, part.at(-1)!]
    const bytes = (last.files.get(name) ?? 0) - (first.files.get(name) ?? 0)
    return last.turns === first.turns ? null : roundToThreeDigits(bytes / (last.turns - first.turns))
  }
  const names = [...samples.at(-1)!.files.keys()]
  return {
    minutes: roundToThreeDigits((performance.now() - startedAt) / 60_000),
    turns,
    roundsWithErrors: failedRounds,
    memoryMB: medians(({ memoryMB }) => memoryMB),
    anonymousMB: medians(({ anonymousMB }) => anonymousMB),
    heapMB: medians(({ heapMB }) => heapMB),
    externalMB: medians(({ externalMB }) => externalMB),
    handles: medians(({ handles }) => handles),
    threads: medians(({ threads }) => threads),
    bytesPerTurn: Object.fromEntries(
      names.map(name => [name, [growth(name, early), growth(name, late)]] as const),
    ),
  }
}
