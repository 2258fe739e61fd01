import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { readDeployment } from '../../../infra/provider/deployment.ts'
import { openDockerDriver } from '../../../infra/provider/docker/docker.ts'
import { FUNCTIONS_NETWORK } from '../../../infra/provider/docker/network.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { buildArguments, buildContext, type DockerMachine, startDocker } from '../../support/docker/docker.ts'
import { median, percentiles, roundToThreeDigits } from '../statistics.ts'

const run = promisify(execFile)
const PAUSED_BYTES = 256 * 1024 * 1024
const BARE_SERVER = `require('node:http').createServer((_, response) => response.end('ok')).listen(8080)`

/** A bare node:http by `docker run`, its port published as one does, to its first answer; default: on Docker's own network. */
async function measureBareRun(image: string, network?: string): Promise<number> {
  const port = await freePort()
  const startedAt = performance.now()
  const where = network === undefined ? [] : ['--network', network]
  const publish = ['--publish', `127.0.0.1:${port}:8080`]
  const { stdout } = await run('docker', ['run', '--detach', ...where, ...publish, image])
  while (
    !(await fetch(`http://127.0.0.1:${port}/`).then(
      answer => answer.text(),
      () => '',
    ))
  )
    await wait(2)
  const ms = performance.now() - startedAt
  await run('docker', ['rm', '--force', stdout.trim()])
  return ms
}

async function buildBareImage({ registry, baseImages, build }: DockerMachine): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-bare-'))
  const image = `${registry}/tests/bare:latest`
  await writeFile(
    join(folder, 'Dockerfile'),
    `FROM ${baseImages.base}\nCMD ["node", "-e", ${JSON.stringify(BARE_SERVER)}]\n`,
  )
  await build(folder, image)
  await rm(folder, { recursive: true })
  return image
}

/**
 * `npm run bench:wake -- --backend docker`: from zero replicas to the first answer of functions/skills/time, from a paused
 * container and from nothing, against `docker run` of a bare node:http: on Docker's own network, on which containers reach
 * each other, and on the functions' one, which Docker takes longer to set up. Runs alternate.
 */
export async function wakeOnDocker(runs: number): Promise<void> {
  const machine = await startDocker()
  const folder = await mkdtemp(join(tmpdir(), 'lares-wake-'))
  const image = `${machine.registry}/lares/time:latest`
  const context = await buildContext('functions/skills/time')
  await machine.build(context, image, buildArguments(machine.baseImages))
  const driver = await openDockerDriver({
    ...{ folder, labels: new Map(), environment: {}, shared: [], masterKeyFile: undefined },
    ...{ network: undefined, pausedBytes: PAUSED_BYTES, log: silentLogger },
  })
  const deployment = readDeployment({ service: 'time', image, readOnlyRootFilesystem: true })
  const release = { deployment, content: await driver.contentDigestOf(deployment), version: 'bench' }
  const bare = await buildBareImage(machine)
  const results = {
    baseline: [] as number[],
    sameNetworkBaseline: [] as number[],
    nothing: [] as number[],
    paused: [] as number[],
  }
  const wake = async () => {
    const startedAt = performance.now()
    // It resolves when it has answered.
    const instance = await driver.start(release)
    return { ms: performance.now() - startedAt, instance }
  }
  try {
    for (let count = 0; count < runs; count++) {
      results.baseline.push(await measureBareRun(bare))
      const first = await wake()
      results.nothing.push(first.ms)
      await driver.pause!(first.instance, release)
      const second = await wake()
      results.paused.push(second.ms)
      await driver.stop(second.instance)
      results.sameNetworkBaseline.push(await measureBareRun(bare, FUNCTIONS_NETWORK))
    }
  } finally {
    await driver.close({ stopFunctions: true })
    await machine.close()
    for (const path of [folder, context]) await rm(path, { recursive: true, force: true })
  }
  const { baseline, sameNetworkBaseline, nothing, paused } = results
  for (const [name, ours, against] of [
    ['nothing', nothing, baseline],
    ['nothing-same-network', nothing, sameNetworkBaseline],
    ['paused', paused, baseline],
  ] as const)
    process.stdout.write(`${JSON.stringify(reportOf(`wake-docker-${name}`, ours, against))}\n`)
}

const summaryOf = (values: number[]) => ({
  p50: roundToThreeDigits(median(values)),
  p95: roundToThreeDigits(percentiles(values).p95),
})

const reportOf = (bench: string, ours: number[], baseline: number[]) => ({
  bench,
  ours: summaryOf(ours),
  baseline: summaryOf(baseline),
  ratio: {
    p50: roundToThreeDigits(median(ours) / median(baseline)),
    p95: roundToThreeDigits(percentiles(ours).p95 / percentiles(baseline).p95),
  },
  units: { ours: 'ms', baseline: 'ms' },
  runs: ours.length,
})
