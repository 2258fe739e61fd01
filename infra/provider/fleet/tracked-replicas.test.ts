import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readDeployment } from '../deployment.ts'
import { openProviderStore, type ProviderStore } from '../store.ts'
import type { Replica } from './replica.ts'
import { openTrackedReplicas } from './tracked-replicas.ts'

const deployment = readDeployment({ service: 'time', image: 'lares/time:latest' })
const replica = (id: string): Replica => ({ id, origin: `http://${id}`, handle: {} })

let folder: string
let store: ProviderStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-replicas-'))
  store = openProviderStore(join(folder, 'provider.db'))
})
afterEach(async () => {
  store.close()
  await rm(folder, { recursive: true })
})

const openTest = (now = () => 0, existing: Replica[] = []) =>
  openTrackedReplicas({ release: { deployment, content: '', version: 'v1' }, existing, store, now })
const lease = (tracked: ReturnType<typeof openTest>) => tracked.lease(() => undefined)

test('a request goes to the replica with the fewest requests', () => {
  const tracked = openTest()
  for (const id of ['a', 'b']) tracked.add(replica(id))
  expect([lease(tracked)?.origin, lease(tracked)?.origin]).toEqual(['http://a', 'http://b'])
  const third = lease(tracked)
  third?.release('answered')
  expect(tracked.activity()).toMatchObject({ inFlight: 2, completed: 1 })
})

test('a draining replica gets no new requests, and ends when its last one is finished', async () => {
  const tracked = openTest(() => 0, [replica('a')])
  const running = lease(tracked)
  const terminated: string[] = []
  const drained = tracked.drain(tracked.active()[0]!, async ({ id }) => void terminated.push(id))
  expect(lease(tracked)).toBeUndefined()
  expect(terminated).toEqual([])
  running?.release('answered')
  await drained
  expect(terminated).toEqual(['a'])
})

test('the store has a replica from when it is added until it is removed', () => {
  const tracked = openTest()
  tracked.add(replica('a'))
  expect(store.replicas()).toMatchObject([{ function: 'time', version: 'v1', replica: { id: 'a' } }])
  tracked.remove(tracked.active()[0]!)
  expect(store.replicas()).toEqual([])
})

test('a replica that nobody reached is reported once', () => {
  const tracked = openTest()
  tracked.add(replica('a'))
  let reports = 0
  const broken = tracked.lease(() => reports++)
  broken?.release('gone')
  broken?.release('gone')
  expect(reports).toBe(1)
})
