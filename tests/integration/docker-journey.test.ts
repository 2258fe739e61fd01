import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe } from 'vitest'
import { startBroker } from '../../infra/kafka/broker.ts'
import { readWholeStack } from '../../infra/lares/lint-stack.ts'
import { journeySuite } from '../end-to-end/journey.suite.ts'
import { buildArguments, buildContext, ROOT, startDocker } from '../support/docker.ts'
import { startDockerHouse } from '../support/docker-house.ts'
import { freePort } from '../support/house.ts'
import { realPart } from '../support/npm-part.ts'
import { startPostgres } from '../support/postgres.ts'
import { basic, PASSWORD } from '../support/provider.ts'

const run = promisify(execFile)
const stops: (() => Promise<unknown>)[] = []

const machine = await realPart(startDocker)
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
  await machine?.close()
}, 120_000)

/** What `faas-cli up` does: build, push, deploy; with faas-cli itself where it is on PATH, which no registry carries. */
async function up(provider: string): Promise<void> {
  const { registry, base, build } = machine!
  const args = buildArguments(base)
  const hasCli = await run('faas-cli', ['version', '--short-version']).then(
    () => true,
    () => false,
  )
  process.stderr.write(`functions are deployed by ${hasCli ? 'faas-cli up' : 'what faas-cli would send'}\n`)
  if (hasCli) {
    const env = { ...process.env, REGISTRY: registry, OPENFAAS_URL: provider }
    await run('faas-cli', ['login', '-g', provider, '--password', PASSWORD], { env })
    const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
    await run('faas-cli', ['up', '-g', provider, ...given], { env, cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
    return
  }
  for (const one of await readWholeStack(join(ROOT, 'stack.yml'), { REGISTRY: registry })) {
    const context = await buildContext(one.handler!)
    await build(context, one.image!, args)
    await rm(context, { recursive: true })
    const { name, image, labels, annotations, limits, requests, readonly_root_filesystem } = one
    const answer = await fetch(`${provider}/system/functions`, {
      method: 'POST',
      headers: { authorization: basic(PASSWORD) },
      body: JSON.stringify({
        ...{ service: name, image, envProcess: 'node main.mjs', labels, annotations, limits, requests },
        readOnlyRootFilesystem: readonly_root_filesystem,
      }),
    })
    if (!answer.ok) throw new Error(`${name} is not deployed: ${await answer.text()}`)
  }
}

describe.skipIf(!machine)('the whole assistant', () => {
  journeySuite('with each function in containers, on Kafka and PostgreSQL', async () => {
    const { host } = machine!
    const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
    const broker = await startBroker({ dir, port: await freePort() })
    stops.push(() => rm(dir, { recursive: true, force: true }), broker.stop)
    const postgres = await startPostgres({ listen_addresses: `127.0.0.1,${host}` }, ['0.0.0.0/0'])
    stops.push(postgres.close)
    const databaseUrl = (await postgres.database()).replace('127.0.0.1', host)
    return {
      host,
      start: modelUrl => startDockerHouse({ modelUrl, brokers: broker.brokers, databaseUrl, deploy: up }),
    }
  })
})
