import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { readDeployment } from '../../../infra/provider/deployment.ts'
import { openProcessDriver } from '../../../infra/provider/process/process.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { median, percentiles, roundToThreeDigits } from '../statistics.ts'

/** Long enough for the next prewarmed runtime to be ready, as between two wakes in practice. */
const POOL_REFILL_MS = 1_000

const BARE_SERVER = `require('node:http').createServer((_, response) => response.end('ok'))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

async function measureBareServer(): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['-e', BARE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  await (await fetch(`http://127.0.0.1:${Number(port)}/`)).text()
  const ms = performance.now() - startedAt
  child.kill('SIGKILL')
  await once(child, 'exit')
  return ms
}

/**
 * `npm run bench:wake`: from zero replicas to the first answer, through the driver's pool of empty runtimes, against
 * starting Node with a bare node:http server that answers. Runs alternate; between them the pool is full again.
 */
export async function wakeProcesses(runs: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-wake-'))
  const driver = await openProcessDriver({
    root: '.',
    skillFolders: [],
    folder,
    labels: new Map(),
    prewarmed: 1,
    environment: { ...process.env, LARES_HOME: folder },
    log: silentLogger,
  })
  const release = {
    deployment: readDeployment({ service: 'time', image: 'lares/time:latest' }),
    content: '',
    version: '',
  }

  async function wake(): Promise<number> {
    const startedAt = performance.now()
    const instance = await driver.start(release)
    await (await fetch(`${instance.origin}/_/ready`)).text()
    const ms = performance.now() - startedAt
    await driver.stop(instance)
    return ms
  }

  // The client of this process itself is loaded by its first use.
  const warmUp = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
  await once(warmUp, 'listening')
  await (await fetch(`http://127.0.0.1:${(warmUp.address() as { port: number }).port}/`)).text()
  warmUp.close()

  const results = { ours: [] as number[], baseline: [] as number[] }
  try {
    await wake()
    for (let run = 0; run < runs; run++) {
      results.baseline.push(await measureBareServer())
      await wait(POOL_REFILL_MS)
      results.ours.push(await wake())
      await wait(POOL_REFILL_MS)
    }
  } finally {
    await driver.close({ stopFunctions: true })
    await rm(folder, { recursive: true, force: true })
  }

  const summaryOf = (values: number[]) => ({
    p50: roundToThreeDigits(median(values)),
    p95: roundToThreeDigits(percentiles(values).p95),
  })
  process.stdout.write(
    `${JSON.stringify({ bench: 'wake', ours: summaryOf(results.ours), baseline: summaryOf(results.baseline), ratio: { p50: roundToThreeDigits(median(results.ours) / median(results.baseline)), p95: roundToThreeDigits(percentiles(results.ours).p95 / percentiles(results.baseline).p95) }, units: { ours: 'ms', baseline: 'ms' }, runs })}\n`,
  )
}
