import { randomBytes } from 'node:crypto'
import { afterAll, describe } from 'vitest'
import { containersJourneySuite } from '../../end-to-end/containers-journey.suite.ts'
import { startKnativeTestCluster } from '../../support/kubernetes/knative-fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'

const knative = await startOrSkip(startKnativeTestCluster)
afterAll(() => knative?.close(), 120_000)

describe.skipIf(!knative)('the whole assistant', () => {
  containersJourneySuite(
    'with each function in pods of Knative',
    () => knative!.machine,
    () => ({
      // The provider has a home of its own, as in a cluster.
      environment: { LARES_MASTER_KEY: randomBytes(32).toString('base64') },
      openProvider: knative!.startProvider,
      kill: knative!.kill,
    }),
  )
})
