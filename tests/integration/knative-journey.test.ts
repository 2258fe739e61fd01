import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { startBroker } from '../../infra/kafka/broker.ts'
import { journeySuite } from '../end-to-end/journey.suite.ts'
import { newSkillSuite } from '../end-to-end/new-skill.suite.ts'
import { startDockerHouse } from '../support/docker-house.ts'
import { freePort } from '../support/house.ts'
import { startKnativeGround } from '../support/knative-ground.ts'
import { realPart } from '../support/npm-part.ts'
import { startPostgres } from '../support/postgres.ts'
import { build, deploy, remove, up } from '../support/up.ts'

const stops: (() => Promise<unknown>)[] = []

const knative = await realPart(startKnativeGround)
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
  await knative?.close()
}, 120_000)

/** Where the house has its functions. */
let provider: string

describe.skipIf(!knative)('the whole assistant', () => {
  journeySuite(
    'with each function in pods of Knative, on Kafka and PostgreSQL',
    async () => {
      const { machine, startProvider, kill } = knative!
      const { host } = machine
      const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
      const broker = await startBroker({ dir, port: await freePort() })
      stops.push(() => rm(dir, { recursive: true, force: true }), broker.stop)
      const postgres = await startPostgres({ listen_addresses: `127.0.0.1,${host}` }, ['0.0.0.0/0'])
      stops.push(postgres.close)
      const databaseUrl = (await postgres.database()).replace('127.0.0.1', host)
      // The provider has a home of its own, as in a cluster.
      const key = randomBytes(32).toString('base64')
      return {
        host,
        start: modelUrl =>
          startDockerHouse({
            modelUrl,
            brokers: broker.brokers,
            databaseUrl,
            deploy: async url => {
              provider = url
              await up(machine, url)
            },
            // The cluster goes with all that is in it.
            place: {
              environment: { LARES_MASTER_KEY: key },
              openProvider: startProvider,
              kill,
            },
          }),
      }
    },
    house =>
      newSkillSuite(house, {
        build: (root, name) => build(knative!.machine, root, name),
        deploy: (root, name) => deploy(knative!.machine, root, name, provider),
        remove: name => remove(name, provider),
      }),
  )
})
