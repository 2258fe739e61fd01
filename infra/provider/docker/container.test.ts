import { expect, test } from 'vitest'
import { readDeployment } from '../deployment.ts'
import { containerCreateOptions } from './container.ts'

const containerOptions = (more: object) => ({
  instance: 'time-00000000',
  release: {
    deployment: readDeployment({ service: 'time', image: 'lares/time:latest', ...more }),
    content: 'sha256:1',
    version: 'v1',
  },
  ...{ provider: 'p', network: 'n', environment: { TZ: 'UTC' }, secrets: undefined, shared: [] },
})

test('a container gets its limits as numbers, its GPUs, and nothing that it was not given', () => {
  const { Image, Env, HostConfig } = containerCreateOptions(
    containerOptions({
      limits: { memory: '256Mi', cpu: '500m' },
      requests: { memory: '96Mi', cpu: '50m' },
      annotations: { 'com.lares.gpu': '2' },
      envVars: { COLOUR: 'green', TZ: 'Europe/Berlin' },
      readOnlyRootFilesystem: true,
    }),
  )
  // The image at the time of the deployment, not the one that its tag names now.
  expect(Image).toBe('sha256:1')
  expect(Env).toEqual(['TZ=Europe/Berlin', 'COLOUR=green', 'LARES_SECRETS=/var/openfaas/secrets'])
  expect(HostConfig).toMatchObject({
    Memory: 268_435_456,
    MemorySwap: 268_435_456,
    MemoryReservation: 100_663_296,
    NanoCpus: 500_000_000,
    CpuShares: 51,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    DeviceRequests: [{ Count: 2, Capabilities: [['gpu']] }],
    Mounts: [],
  })
})

test('what is not asked for is not limited', () => {
  const { HostConfig } = containerCreateOptions(containerOptions({}))
  expect(HostConfig).not.toHaveProperty('Memory')
  expect(HostConfig).not.toHaveProperty('NanoCpus')
  expect(HostConfig).not.toHaveProperty('DeviceRequests')
})
