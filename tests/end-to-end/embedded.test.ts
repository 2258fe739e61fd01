import { journeySuite } from './journey.suite.ts'

journeySuite('in one process', async () => ({ kind: 'embedded' }))
