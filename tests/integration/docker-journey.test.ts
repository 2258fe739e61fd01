import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { startBroker } from '../../infra/kafka/broker.ts'
import { journeySuite } from '../end-to-end/journey.suite.ts'
import { newSkillSuite } from '../end-to-end/new-skill.suite.ts'
import { startDocker } from '../support/docker.ts'
import { startDockerHouse } from '../support/docker-house.ts'
import { freePort } from '../support/house.ts'
import { realPart } from '../support/npm-part.ts'
import { startPostgres } from '../support/postgres.ts'
import { build, deploy, remove, up } from '../support/up.ts'

const stops: (() => Promise<unknown>)[] = []

const machine = await realPart(startDocker)
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
  await machine?.close()
}, 120_000)

/** Where the house has its functions. */
let provider: string

describe.skipIf(!machine)('the whole assistant', () => {
  journeySuite(
    'with each function in containers, on Kafka and PostgreSQL',
    async () => {
      const { host } = machine!
      const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
      const broker = await startBroker({ dir, port: await freePort() })
      stops.push(() => rm(dir, { recursive: true, force: true }), broker.stop)
      const postgres = await startPostgres({ listen_addresses: `127.0.0.1,${host}` }, ['0.0.0.0/0'])
      stops.push(postgres.close)
      const databaseUrl = (await postgres.database()).replace('127.0.0.1', host)
      return {
        host,
        start: modelUrl =>
          startDockerHouse({
            modelUrl,
            brokers: broker.brokers,
            databaseUrl,
            deploy: async url => {
              provider = url
              await up(machine!, url)
            },
          }),
      }
    },
    house =>
      newSkillSuite(house, {
        build: (root, name) => build(machine!, root, name),
        deploy: (root, name) => deploy(machine!, root, name, provider),
        remove: name => remove(name, provider),
      }),
  )
})
