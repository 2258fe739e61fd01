import { expect, test } from 'vitest'
import { noLog } from '../../shared/log.ts'
import { readDeployment } from './deployment.ts'
import { openPrepared } from './docker-prepared.ts'
import type { Instance, Release } from './instances.ts'

const release = (version: string): Release => ({
  deployment: readDeployment({ service: 'time', image: 'lares/time:latest' }),
  content: '',
  version,
})

function prepared(make?: () => Promise<Instance>) {
  let made = 0
  const counted = async () => ({ id: `made ${++made}`, origin: '', handle: {} })
  return { made: () => made, ...openPrepared({ make: make ?? counted, log: noLog }) }
}

test('one of each version is made, and who takes it has it alone', async () => {
  const { prepare, take, made } = prepared()
  for (const version of ['v1', 'v1', 'v2']) prepare(release(version))
  expect(made()).toBe(2)
  expect(await Promise.all([take('v1'), take('v1')])).toMatchObject([{ id: 'made 1' }, undefined])
  prepare(release('v1'))
  expect(await take('v1')).toMatchObject({ id: 'made 3' })
})

test('one that is being made is waited for, also when it is not wanted any more', async () => {
  const making = Promise.withResolvers<Instance>()
  const { prepare, remove, take } = prepared(() => making.promise)
  prepare(release('v1'))
  const removed = remove(version => version === 'v1')
  expect(await take('v1')).toBeUndefined()
  making.resolve({ id: 'late', origin: '', handle: {} })
  expect(await removed).toMatchObject([{ id: 'late' }])
})

test('one that cannot be made is as good as none', async () => {
  const { prepare, remove, take } = prepared(() => Promise.reject(new Error('the disk is full')))
  for (const version of ['v1', 'v2']) prepare(release(version))
  expect(await take('v1')).toBeUndefined()
  expect(await remove(() => true)).toEqual([])
})
