import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { startBroker } from '../../infra/kafka/broker.ts'
import { freePort } from '../../shared/base/free-port.ts'
import type { DockerMachine } from '../support/docker/docker.ts'
import { type FunctionsBackend, startDockerInstance } from '../support/docker/docker-instance.ts'
import { build, deploy, deployStack, remove } from '../support/faas-up.ts'
import { startPostgres } from '../support/stores/postgres.ts'
import { journeySuite } from './journey.suite.ts'
import { newSkillSuite } from './new-skill.suite.ts'

/** The journey, and a new skill, with each function in containers of the machine, or where `place` runs them. */
export function containersJourneySuite(
  name: string,
  machine: () => DockerMachine,
  functionsBackend?: () => FunctionsBackend,
): void {
  const closers: (() => Promise<unknown>)[] = []
  /** Where the instance runs its functions. */
  let provider: string
  journeySuite(
    `${name}, on Kafka and PostgreSQL`,
    async () => {
      const { host } = machine()
      const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
      const broker = await startBroker({ dir, port: await freePort() })
      closers.push(() => rm(dir, { recursive: true, force: true }), broker.stop)
      const postgres = await startPostgres({ listen_addresses: `127.0.0.1,${host}` }, ['0.0.0.0/0'])
      closers.push(postgres.close)
      const databaseUrl = (await postgres.database()).replace('127.0.0.1', host)
      return {
        host,
        start: modelUrl =>
          startDockerInstance({
            modelUrl,
            brokers: broker.brokers,
            databaseUrl,
            async deploy(url) {
              provider = url
              await deployStack(machine(), url)
            },
            ...(functionsBackend && { functionsBackend: functionsBackend() }),
          }),
      }
    },
    instance =>
      newSkillSuite(instance, {
        build: (root, name) => build(machine(), root, name),
        deploy: (root, name) => deploy(machine(), root, name, provider),
        remove: name => remove(name, provider),
      }),
  )
  afterAll(async () => {
    for (const stop of closers.reverse()) await stop()
  }, 60_000)
}
