import { expect, test } from 'vitest'
import { readDeployment } from '../deployment.ts'
import type { Service } from './cluster.ts'
import {
  deploymentAnnotations,
  deploymentIn,
  isDeployedHere,
  isInterrupted,
  isOwnedByLares,
  isUnchanged,
  lastReadyDeploymentIn,
  manifestIn,
  readyAnnotations,
} from './service-annotations.ts'

const first = readDeployment({ service: 'time', image: 'lares/time:1' })
const second = readDeployment({ service: 'time', image: 'lares/time:2' })
const serviceWith = (annotations: Record<string, string>, generation = 1): Service => ({
  metadata: { name: 'time', generation, annotations },
  spec: { template: {} },
})

test('a deployment is read back from its Service as it was written', () => {
  const service = serviceWith(deploymentAnnotations(first))
  // JSON omits keys with the value undefined.
  expect(deploymentIn(service)).toEqual(JSON.parse(JSON.stringify(first)))
  expect(isDeployedHere(service)).toBe(true)
  expect(isDeployedHere(serviceWith({}))).toBe(false)
})

test('a deployment is interrupted until the same deployment has answered', () => {
  expect(isInterrupted(serviceWith(deploymentAnnotations(first)))).toBe(true)
  const answered = { ...deploymentAnnotations(first), ...readyAnnotations(first, undefined) }
  expect(isInterrupted(serviceWith(answered))).toBe(false)
  const updated = serviceWith({ ...answered, ...deploymentAnnotations(second) })
  expect(isInterrupted(updated)).toBe(true)
  expect(lastReadyDeploymentIn(updated)?.image).toBe('lares/time:1')
})

test('a manifest is read back; without one, or with one of an unknown shape, a function has none', () => {
  const manifest = { name: 'time', topics: ['lares.skill.time'], emits: [], uses: [], concurrency: 1 }
  const annotations = readyAnnotations(first, manifest)
  expect(manifestIn(serviceWith(annotations))).toMatchObject(manifest)
  expect(manifestIn(serviceWith(readyAnnotations(first, undefined)))).toBeUndefined()
  expect(manifestIn(serviceWith({ 'com.lares.manifest': '{"topics":7}' }))).toBeUndefined()
})

test('a Service is unchanged when generation, labels and annotations are the same', () => {
  const service = serviceWith({ a: '1' })
  expect(isUnchanged(service, serviceWith({ a: '1' }))).toBe(true)
  expect(isUnchanged(service, serviceWith({ a: '1' }, 2))).toBe(false)
  expect(isUnchanged(service, serviceWith({ a: '2' }))).toBe(false)
})

test('an object without the label of Lares is somebody else’s', () => {
  const labelled = { metadata: { name: 'time', labels: { 'app.kubernetes.io/part-of': 'lares', more: 'x' } } }
  expect(isOwnedByLares(labelled)).toBe(true)
  expect(isOwnedByLares({ metadata: { name: 'time' } })).toBe(false)
})
