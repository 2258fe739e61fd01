import { expect, test } from 'vitest'
import { noLog } from '../../../shared/base/log.ts'
import { readDeployment } from '../deployment.ts'
import type { Store } from '../store.ts'
import type { InstanceDriver } from './instances.ts'
import { openReplicas } from './replicas.ts'

const open = (driver: InstanceDriver, store: Pick<Store, 'saveInstance' | 'removeInstance'>) =>
  openReplicas({
    release: {
      deployment: readDeployment({ service: 'time', image: 'lares/time:latest' }),
      content: '',
      version: 'v1',
    },
    ...{ replicas: 0, kept: [], driver, log: noLog, now: Date.now, placed: () => undefined },
    store: store as Store,
  })

test('a replica that is needed again while it goes to sleep is kept for the next start of the provider', async () => {
  const instance = { id: 'time-1', origin: 'http://127.0.0.1:1', handle: {} }
  const kept = new Set<string>()
  const begun = Promise.withResolvers<void>()
  const asleep = Promise.withResolvers<void>()
  const driver = {
    start: async () => instance,
    // Docker pauses at once, and measures then what the paused one holds.
    async rest() {
      begun.resolve()
      await asleep.promise
    },
  } as unknown as InstanceDriver
  const replicas = open(driver, {
    saveInstance: ({ instance: { id } }) => void kept.add(id),
    removeInstance: id => void kept.delete(id),
  })
  await replicas.scale(1)
  const scaled = replicas.scale(0)
  await begun.promise
  await replicas.acquire()
  asleep.resolve()
  await scaled
  expect(replicas.instances()).toEqual([instance])
  expect([...kept]).toEqual(['time-1'])
})

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
  const replicas = open(driver, { saveInstance: () => undefined, removeInstance: () => undefined })
  await replicas.scale(1)
  const scaled = replicas.scale(0)
  await begun.promise
  const ended = replicas.end()
  setImmediate(asleep.resolve)
  await Promise.all([scaled, ended])
  expect(said).toEqual(['rests', 'nothing rests'])
})
