import { afterAll, describe } from 'vitest'
import { containersJourney } from '../../end-to-end/containers-journey.suite.ts'
import { startDocker } from '../../support/docker/docker.ts'
import { realPart } from '../../support/npm-program.ts'

const machine = await realPart(startDocker)
afterAll(() => machine?.close(), 60_000)

describe.skipIf(!machine)('the whole assistant', () => {
  containersJourney('with each function in containers', () => machine!)
})
