import { expect, test } from 'vitest'
import { noLog } from '../../shared/log.ts'
import { readDeployment } from './deployment.ts'
import type { InstanceDriver } from './instances.ts'
import { openReplicas } from './replicas.ts'
import type { Store } from './store.ts'

test('a version ends when what was going to sleep has, so that nothing of it rests', async () => {
  const said: string[] = []
  const begun = Promise.withResolvers<void>()
  const asleep = Promise.withResolvers<void>()
  const driver = {
    start: async () => ({ id: 'time-1', origin: 'http://127.0.0.1:1', handle: {} }),
    async rest() {
      begun.resolve()
      await asleep.promise
      said.push('rests')
    },
    stop: async () => void said.push('stopped'),
    endResting: async () => void said.push('nothing rests'),
  } as unknown as InstanceDriver
  const replicas = openReplicas({
    release: {
      deployment: readDeployment({ service: 'time', image: 'lares/time:latest' }),
      content: '',
      version: 'v1',
    },
    ...{ replicas: 0, kept: [], driver, log: noLog, now: Date.now, placed: () => undefined },
    store: { saveInstance: () => undefined, removeInstance: () => undefined } as unknown as Store,
  })
  await replicas.scale(1)
  const scaled = replicas.scale(0)
  await begun.promise
  const ended = replicas.end()
  setImmediate(asleep.resolve)
  await Promise.all([scaled, ended])
  expect(said).toEqual(['rests', 'nothing rests'])
})
