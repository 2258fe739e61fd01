import { expect, test } from 'vitest'
import { readDeployment } from '../deployment.ts'
import type { Service } from './cluster.ts'
import { buildKubernetesObjects } from './manifests.ts'

const manifests = (more: object = {}) =>
  buildKubernetesObjects(
    readDeployment({ service: 'generation', image: 'registry.example/lares/generation:v1', ...more }),
  )

test('all that a function can ask for, as Knative documents it', () => {
  const all = manifests({
    envVars: { LOG_LEVEL: 'info' },
    secrets: ['models-token', 'other'],
    constraints: ['lares.dev/gpu=true', 'disk!=slow'],
    labels: {
      'com.openfaas.scale.min': '1',
      'com.openfaas.scale.max': '4',
      'com.openfaas.scale.zero': 'true',
      'com.openfaas.scale.zero-duration': '15m',
      'com.openfaas.scale.type': 'capacity',
      'com.openfaas.scale.target': '2',
    },
    annotations: {
      topic: 'lares.prompt',
      'com.lares.gpu': '1',
      'com.lares.egress': 'app=kafka:9092,10.1.2.0/24:5432,internet:443',
    },
    limits: { memory: '8Gi', cpu: '2' },
    requests: { memory: '1Gi', cpu: '500m' },
    readOnlyRootFilesystem: true,
  })
  expect(all).toMatchSnapshot()
})

test('a function that asks for nothing has OpenFaaS’s defaults, and no policy', () => {
  expect(manifests()).toMatchSnapshot()
})

test('a share of the CPU is scaled by what it requests', () => {
  const labels = { 'com.openfaas.scale.type': 'cpu', 'com.openfaas.scale.target': '250' }
  const [service] = manifests({ labels, requests: { cpu: '500m' } })
  expect(service).toMatchObject({
    spec: {
      template: {
        metadata: {
          annotations: {
            'autoscaling.knative.dev/class': 'hpa.autoscaling.knative.dev',
            'autoscaling.knative.dev/metric': 'cpu',
            'autoscaling.knative.dev/target': '50',
          },
        },
      },
    },
  })
})

test('a function that says it reaches nothing may not even ask for names', () => {
  const [, policy] = manifests({ annotations: { 'com.lares.egress': 'none' } })
  expect(policy).toMatchObject({ kind: 'NetworkPolicy', spec: { policyTypes: ['Egress'], egress: [] } })
})

test.each([
  ['waiting events', { labels: { 'com.openfaas.scale.type': 'queue' } }, 'use KEDA'],
  ['CPU without a request', { labels: { 'com.openfaas.scale.type': 'cpu' } }, 'set it'],
  [
    'a longer sleep than it knows',
    { labels: { 'com.openfaas.scale.zero': 'true', 'com.openfaas.scale.zero-duration': '2h' } },
    'an hour at most',
  ],
  ['an address that is none', { annotations: { 'com.lares.egress': 'somewhere' } }, 'CIDR:PORT'],
])('%s is refused with a remedy', (_, more, reason) => {
  expect(() => manifests(more)).toThrow(reason)
})

test('a replica sleeps after the idle time that is asked for, of which Knative looks back a minute at most', () => {
  const annotationsFor = (duration: string) => {
    const labels = { 'com.openfaas.scale.zero': 'true', 'com.openfaas.scale.zero-duration': duration }
    const [service] = manifests({ labels }) as unknown as Service[]
    return service!.spec.template.metadata!.annotations
  }
  const retained = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period'
  expect(annotationsFor('2s')).toMatchObject({ 'autoscaling.knative.dev/window': '6s', [retained]: '0s' })
  expect(annotationsFor('15s')).toMatchObject({ 'autoscaling.knative.dev/window': '15s', [retained]: '0s' })
  expect(annotationsFor('15m')).toMatchObject({ [retained]: '840s' })
  expect(annotationsFor('15m')).not.toHaveProperty(['autoscaling.knative.dev/window'])
})
