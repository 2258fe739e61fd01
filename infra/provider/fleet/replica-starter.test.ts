import { expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { openReplicaStarter } from './replica-starter.ts'

function openTest(results: (Error | Promise<void> | undefined)[], isEnded = () => false) {
  const attempts: number[] = []
  const starter = openReplicaStarter({
    name: 'time',
    async createReplica() {
      const result = results[attempts.push(1) - 1]
      if (result instanceof Error) throw result
      await result
    },
    isEnded,
    log: silentLogger,
  })
  return { starter, attempts }
}

test('requests that wait at the same time share one start', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { starter, attempts } = openTest([promise])
  const waiting = [starter.wake(), starter.wake()]
  expect(starter.count()).toBe(1)
  resolve()
  await Promise.all(waiting)
  expect(attempts).toHaveLength(1)
  expect(starter.count()).toBe(0)
})

test('a wake uses the replica that the autoscaler starts already', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { starter, attempts } = openTest([promise])
  const started = starter.start()
  const woken = starter.wake()
  resolve()
  await Promise.all([started, woken])
  expect(attempts).toHaveLength(1)
})

test('a wake tries three times, and then fails with the reason', async () => {
  const recovering = openTest([new Error('no memory'), new Error('no memory'), undefined])
  await recovering.starter.wake()
  expect(recovering.attempts).toHaveLength(3)
  const failing = openTest([new Error('no memory'), new Error('no memory'), new Error('no handler')])
  await expect(failing.starter.wake()).rejects.toMatchObject({
    code: 'unavailable',
    message: 'time cannot be started: no handler',
  })
})

test('a version that has ended is not tried again', async () => {
  const { starter, attempts } = openTest([new Error('no memory')], () => true)
  await expect(starter.wake()).rejects.toThrow(/no memory/)
  expect(attempts).toHaveLength(1)
})
