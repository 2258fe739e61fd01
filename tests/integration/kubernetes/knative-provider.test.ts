import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkProvider } from '../../../infra/cli/doctor/services.ts'
import { readDeployment } from '../../../infra/provider/deployment.ts'
import { openCluster } from '../../../infra/provider/knative/cluster.ts'
import { openKnativeBackend } from '../../../infra/provider/knative/knative.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import {
  deploymentRequest,
  type KnativeProviderFixture,
  NAMESPACE,
  openKnativeProviderFixture,
  POLICIES_PATH,
  REVISIONS_PATH,
  SECRETS_PATH,
  SERVICES_PATH,
  type StoredService,
} from '../../support/kubernetes/knative-instance.ts'
import { startKubernetes } from '../../support/kubernetes/kubernetes.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { PASSWORD } from '../../support/provider.ts'

const kubernetes = await startOrSkip(startKubernetes)
let fixture: KnativeProviderFixture
beforeAll(async () => {
  if (kubernetes) fixture = await openKnativeProviderFixture(kubernetes)
}, 900_000)
afterAll(async () => {
  await fixture?.close()
  await kubernetes?.close()
})

const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 10_000 })
/** The minimum number of replicas of the current revision. */
const minReplicas = async (name: string) => {
  const { status } = (await fixture.service(name)) as StoredService & {
    status: { latestReadyRevisionName: string }
  }
  const revision = (await fixture.stored(
    `${REVISIONS_PATH}/${status.latestReadyRevisionName}`,
  )) as unknown as StoredService
  return revision.metadata.annotations?.['autoscaling.knative.dev/min-scale']
}

describe.skipIf(!kubernetes)('functions on Knative', () => {
  test('what is deployed is a Knative Service, with limits, a GPU, its place and its secrets', async () => {
    expect((await fixture.system('POST', 'secrets', { name: 'weather-key', value: 'sunny' })).status).toBe(
      202,
    )
    const answer = await fixture.deploy('weather', {
      secrets: ['weather-key'],
      constraints: ['lares.dev/gpu=true'],
      annotations: { 'com.lares.gpu': '1', topic: 'lares.skill.weather' },
    })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    expect((await fixture.service('weather'))!.spec.template.spec).toMatchObject({
      nodeSelector: { 'lares.dev/gpu': 'true' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      containers: [
        {
          image: 'registry.example/lares/weather:1',
          resources: { limits: { memory: '256Mi', cpu: '500m', 'nvidia.com/gpu': '1' } },
          volumeMounts: [
            { name: 'tmp', mountPath: '/tmp' },
            { name: 'secrets', mountPath: '/var/openfaas/secrets', readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
        { name: 'secrets', projected: { sources: [{ secret: { name: 'weather-key' } }] } },
      ],
    })
    expect(await fixture.listed()).toMatchObject([
      { name: 'weather', annotations: { topic: 'lares.skill.weather' } },
    ])
  })

  test('the same once more changes nothing, in the order that it comes in', async () => {
    await fixture.deploy('same', { labels: { a: '1', b: '2' } })
    const { metadata } = (await fixture.service('same'))!
    // Times of writing are noted by the second.
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await fixture.deploy('same', { labels: { b: '2', a: '1' } })
    expect((await fixture.service('same'))!.metadata).toEqual(metadata)
  })

  test('where the registry cannot be asked, latest is a change each time and another tag is none', async () => {
    const generationsOf = async (name: string, tag: string) => {
      const image = `registry.example/lares/${name}:${tag}`
      const generation = async () => {
        expect((await fixture.deploy(name, { image })).status).toBe(202)
        return (await fixture.service(name))!.metadata.generation
      }
      return [await generation(), await generation()]
    }
    expect(await generationsOf('moving', 'latest')).toEqual([1, 2])
    expect(await generationsOf('fixed', 'v1')).toEqual([1, 1])
    expect((await fixture.service('moving'))!.spec.template.spec.containers![0]!.image).toBe(
      'registry.example/lares/moving:latest',
    )
  })

  test('a tag whose registry falls silent stays what it was', async () => {
    let digest: string | undefined = `sha256:${'0f'.repeat(32)}`
    const registry = createServer((_, response) => {
      if (digest === undefined) response.statusCode = 503
      else response.setHeader('docker-content-digest', digest)
      response.end()
    })
    await new Promise<void>(resolve => registry.listen(0, '127.0.0.1', resolve))
    const name = `127.0.0.1:${(registry.address() as AddressInfo).port}/lares/pinned`
    const deployed = async () => {
      expect((await fixture.deploy('pinned', { image: `${name}:v1` })).status).toBe(202)
      return (await fixture.service('pinned'))!.spec.template.spec.containers![0]!.image
    }
    const first = `${name}@${digest}`
    expect(await deployed()).toBe(first)
    digest = undefined
    expect(await deployed()).toBe(first)
    digest = `sha256:${'1e'.repeat(32)}`
    expect(await deployed()).toBe(`${name}@${digest}`)
    registry.close()
  })

  test('what another owner has set stays', async () => {
    await fixture.deploy('shared')
    const theirs = { metadata: { annotations: { 'example.com/team': 'blue' } } }
    await kubernetes!.api('PATCH', `${SERVICES_PATH}/shared`, theirs, 'application/merge-patch+json')
    await fixture.deploy('shared', { image: 'registry.example/lares/shared:2' })
    expect(await fixture.service('shared')).toMatchObject({
      metadata: { annotations: { 'example.com/team': 'blue' } },
      spec: { template: { spec: { containers: [{ image: 'registry.example/lares/shared:2' }] } } },
    })
  })

  test('a version that does not come up is refused with the reason of Knative, and what ran goes on', async () => {
    await fixture.deploy('steady')
    const answer = await fixture.deploy('steady', { image: 'registry.example/broken:1' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('steady does not start: Unable to fetch image')
    expect((await fixture.service('steady'))!.spec.template.spec.containers).toMatchObject([
      { image: 'registry.example/lares/steady:1' },
    ])
    expect((await fetch(`${fixture.url()}/function/steady/hello`)).status).toBe(200)
  })

  test('one that never ran leaves nothing behind', async () => {
    const annotations = { 'com.lares.egress': 'none' }
    const answer = await fixture.deploy('stillborn', { image: 'registry.example/broken:1', annotations })
    expect(answer.status).toBe(400)
    expect(await fixture.service('stillborn')).toBeUndefined()
    expect(await fixture.stored(`${POLICIES_PATH}/stillborn-egress`)).toBeUndefined()
    expect((await fixture.listed()).map(({ name }) => name)).not.toContain('stillborn')
  })

  test('an object that the API server refuses is told with the field', async () => {
    const cluster = await openCluster(NAMESPACE)
    const metadata = { name: 'wrong', namespace: NAMESPACE }
    const spec = { template: { spec: { containers: 'none' } } }
    const applied = cluster.apply({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata,
      spec,
    } as never)
    await expect(applied).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('.spec.template.spec.containers: expected list'),
    })
    await cluster.close()
  })

  test('a secret that is not there is refused by name; those of others are neither told nor touched', async () => {
    const theirs = { metadata: { name: 'theirs' }, data: { key: 'eA==' } }
    await kubernetes!.api('POST', SECRETS_PATH, theirs)
    expect(await (await fixture.system('GET', 'secrets')).json()).toMatchObject([{ name: 'weather-key' }])
    expect(await (await fixture.deploy('keyless', { secrets: ['theirs'] })).text()).toContain(
      'no secret "theirs"',
    )
    expect((await fixture.system('DELETE', 'secrets', { name: 'theirs' })).status).toBe(404)
    expect(await fixture.service('keyless')).toBeUndefined()
  })

  test('what was not deployed here is neither replaced nor removed: a Service, a policy, a Secret', async () => {
    const spec = { template: { spec: { containers: [{ image: 'registry.example/theirs:1' }] } } }
    const [apiVersion, kind] = ['serving.knative.dev/v1', 'Service']
    await kubernetes!.api('POST', SERVICES_PATH, { apiVersion, kind, metadata: { name: 'foreign' }, spec })
    for (const image of ['registry.example/lares/foreign:1', 'registry.example/broken:1'])
      expect(await (await fixture.deploy('foreign', { image })).text()).toContain('did not deploy')
    expect((await fixture.service('foreign'))!.spec.template.spec).toMatchObject({
      containers: [{ image: 'registry.example/theirs:1' }],
    })
    const policy = {
      metadata: { name: 'guarded-egress' },
      spec: { podSelector: {}, policyTypes: ['Egress'] },
    }
    await kubernetes!.api('POST', POLICIES_PATH, policy)
    const declared = await fixture.deploy('guarded', { annotations: { 'com.lares.egress': 'none' } })
    expect(await declared.text()).toContain('did not deploy')
    expect((await fixture.deploy('guarded')).status).toBe(202)
    expect(await fixture.stored(`${POLICIES_PATH}/guarded-egress`)).toMatchObject({
      spec: { podSelector: {} },
    })
    const secret = await fixture.system('POST', 'secrets', { name: 'theirs', value: 'mine' })
    expect([secret.status, await secret.text()]).toEqual([400, expect.stringContaining('not one of Lares')])
  })

  test('a function reaches only what it declares, and anything again when it declares nothing', async () => {
    await fixture.deploy('narrow', { annotations: { 'com.lares.egress': 'app=kafka:9092,internet:443' } })
    expect(await fixture.stored(`${POLICIES_PATH}/narrow-egress`)).toMatchObject({
      spec: {
        podSelector: { matchLabels: { 'serving.knative.dev/service': 'narrow' } },
        policyTypes: ['Egress'],
        egress: [
          { ports: [{ port: 53 }, { port: 53 }] },
          { to: [{ podSelector: { matchLabels: { app: 'kafka' } } }], ports: [{ port: 9092 }] },
          { ports: [{ port: 443 }] },
        ],
      },
    })
    await fixture.deploy('narrow')
    expect(await fixture.stored(`${POLICIES_PATH}/narrow-egress`)).toBeUndefined()
  })

  test('it is called at the address that Knative gave, and its pods are counted', async () => {
    await fixture.deploy('called')
    await fixture.knative.addPod('called', 'called-00001-deployment-a')
    const answer = await fetch(`${fixture.url()}/function/called/path?x=1`)
    expect(await answer.text()).toBe('answered /path?x=1')
    await eventually(async () =>
      expect(await (await fixture.system('GET', 'function/called')).json()).toMatchObject({
        availableReplicas: 1,
        replicas: 1,
      }),
    )
  })

  test('it is scaled and removed', async () => {
    await fixture.deploy('brief', { annotations: { 'com.lares.egress': 'none' } })
    expect(
      (await fixture.system('POST', 'scale-function/brief', { serviceName: 'brief', replicas: 3 })).status,
    ).toBe(202)
    expect(await minReplicas('brief')).toBe('3')
    expect((await fixture.system('DELETE', 'functions', { functionName: 'brief' })).status).toBe(202)
    expect(await fixture.service('brief')).toBeUndefined()
    expect(await fixture.stored(`${POLICIES_PATH}/brief-egress`)).toBeUndefined()
    expect((await fixture.system('DELETE', 'functions', { functionName: 'brief' })).status).toBe(404)
  })

  test('lares doctor tells what the cluster lacks', async () => {
    await fixture.deploy('homeless', { constraints: ['lares.dev/gpu=true'] })
    const findings = await checkProvider(
      readEnvironment({ LARES_HOME: fixture.home, OPENFAAS_URL: fixture.url(), PROVIDER_PASSWORD: PASSWORD }),
    )
    expect(findings).toContainEqual({
      level: 'warning',
      what: expect.stringMatching(/^functions? .*\bhomeless\b/),
      message: expect.stringContaining('no node has lares.dev/gpu=true'),
    })
  })

  test('what the cluster lacks is told by describe, until it is there', async () => {
    const cluster = await openCluster(NAMESPACE)
    const backend = await openKnativeBackend({ cluster, log: silentLogger, reconcileIntervalMs: 50 })
    await backend.deploy(
      readDeployment(
        deploymentRequest('placed', {
          constraints: ['lares.dev/gpu=true'],
          annotations: { 'com.lares.gpu': '1' },
        }),
      ),
    )
    const notices = () => backend.get('placed').notices.join('\n')
    expect(notices()).toContain('set kubernetes.podspec-nodeselector to "enabled"')
    expect(notices()).toContain('kubernetes.podspec-tolerations')
    expect(notices()).toContain('no node has lares.dev/gpu=true')
    const flags = {
      'kubernetes.podspec-nodeselector': 'enabled',
      'kubernetes.podspec-tolerations': 'enabled',
    }
    const features = { metadata: { name: 'config-features' }, data: flags }
    await kubernetes!.api('POST', '/api/v1/namespaces/knative-serving/configmaps', features)
    const node = { metadata: { name: 'gpu-box', labels: { 'lares.dev/gpu': 'true' } } }
    await kubernetes!.api('POST', '/api/v1/nodes', node)
    await eventually(async () =>
      expect(notices()).toBe(
        "no node with lares.dev/gpu=true offers 1 of nvidia.com/gpu: install NVIDIA's device plugin there, or ask for fewer",
      ),
    )
    const status = { allocatable: { 'nvidia.com/gpu': '1' }, capacity: { 'nvidia.com/gpu': '1' } }
    await kubernetes!.api('PATCH', '/api/v1/nodes/gpu-box/status', { status }, 'application/merge-patch+json')
    await eventually(async () => expect(notices()).toBe(''))
    await backend.close({ stopFunctions: false })
  })

  test('a function stays awake inside its active hours and may sleep outside', async () => {
    const cluster = await openCluster(NAMESPACE)
    let now = Date.parse('2026-07-06T12:00:00Z')
    const backend = await openKnativeBackend({
      cluster,
      log: silentLogger,
      reconcileIntervalMs: 50,
      now: () => now,
    })
    const annotations = { 'com.lares.active-hours': 'Mon-Fri 07:00-22:30 Europe/Berlin' }
    await backend.deploy(readDeployment(deploymentRequest('daily', { annotations })))
    expect(await minReplicas('daily')).toBe('1')
    const { generation } = (await fixture.service('daily'))!.metadata
    // 22:31 in Berlin, where it is summer.
    now = Date.parse('2026-07-06T20:31:00Z')
    await eventually(async () => expect(await minReplicas('daily')).toBe('0'))
    now = Date.parse('2026-07-07T05:00:00Z')
    await eventually(async () => expect(await minReplicas('daily')).toBe('1'))
    expect((await fixture.service('daily'))!.metadata.generation).toBe(generation)
    await backend.close({ stopFunctions: false })
  })

  test('a cluster without Knative, or none at all, is told at the start', async () => {
    process.env.KUBECONFIG = join(fixture.home, 'no-such-file')
    await expect(openCluster(NAMESPACE)).rejects.toMatchObject({ code: 'invalid_config' })
    process.env.KUBECONFIG = kubernetes!.kubeconfig
    const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/services.serving.knative.dev'
    await kubernetes!.api('DELETE', definition)
    await eventually(() =>
      expect(openCluster(NAMESPACE)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('no Knative Serving'),
      }),
    )
  })
})
