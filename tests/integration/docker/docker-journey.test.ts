import { afterAll, describe } from 'vitest'
import { containersJourneySuite } from '../../end-to-end/containers-journey.suite.ts'
import { startDocker } from '../../support/docker/docker.ts'
import { startOrSkip } from '../../support/npm-program.ts'

const machine = await startOrSkip(startDocker)
afterAll(() => machine?.close(), 60_000)

describe.skipIf(!machine)('the whole assistant', () => {
  containersJourneySuite('with each function in containers', () => machine!)
})
