import { expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { readDeployment } from '../deployment.ts'
import type { ProviderStore } from '../store.ts'
import type { ReplicaDriver } from './replica.ts'
import { openReplicaSet } from './replica-set.ts'

const openTestReplicaSet = (
  driver: ReplicaDriver,
  store: Pick<ProviderStore, 'saveReplica' | 'removeReplica'>,
) =>
  openReplicaSet({
    release: {
      deployment: readDeployment({ service: 'time', image: 'lares/time:latest' }),
      content: '',
      version: 'v1',
    },
    ...{
      replicas: 0,
      existing: [],
      driver,
      log: silentLogger,
      now: Date.now,
      onOriginAssigned: () => undefined,
    },
    store: store as ProviderStore,
  })

test('a replica that is needed again while it goes to sleep is kept for the next start of the provider', async () => {
  const instance = { id: 'time-1', origin: 'http://127.0.0.1:1', handle: {} }
  const kept = new Set<string>()
  const begun = Promise.withResolvers<void>()
  const asleep = Promise.withResolvers<void>()
  const driver = {
    start: async () => instance,
    // Docker pauses at once, and then measures the memory of the paused container.
    async pause() {
      begun.resolve()
      await asleep.promise
    },
  } as unknown as ReplicaDriver
  const replicas = openTestReplicaSet(driver, {
    saveReplica: ({ replica: { id } }) => void kept.add(id),
    removeReplica: id => void kept.delete(id),
  })
  await replicas.scale(1)
  const scaled = replicas.scale(0)
  await begun.promise
  await replicas.acquire()
  asleep.resolve()
  await scaled
  expect(replicas.replicas()).toEqual([instance])
  expect([...kept]).toEqual(['time-1'])
})

test('a version ends when what was going to sleep has, so that nothing of it rests', async () => {
  const said: string[] = []
  const begun = Promise.withResolvers<void>()
  const asleep = Promise.withResolvers<void>()
  const driver = {
    start: async () => ({ id: 'time-1', origin: 'http://127.0.0.1:1', handle: {} }),
    async pause() {
      begun.resolve()
      await asleep.promise
      said.push('rests')
    },
    stop: async () => void said.push('stopped'),
    stopPaused: async () => void said.push('nothing rests'),
  } as unknown as ReplicaDriver
  const replicas = openTestReplicaSet(driver, {
    saveReplica: () => undefined,
    removeReplica: () => undefined,
  })
  await replicas.scale(1)
  const scaled = replicas.scale(0)
  await begun.promise
  const ended = replicas.end()
  setImmediate(asleep.resolve)
  await Promise.all([scaled, ended])
  expect(said).toEqual(['rests', 'nothing rests'])
})
