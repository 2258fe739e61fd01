import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkProvider } from '../../infra/lares/doctor-services.ts'
import { readDeployment } from '../../infra/provider/deployment.ts'
import { openKnative } from '../../infra/provider/knative.ts'
import { openCluster } from '../../infra/provider/knative-cluster.ts'
import type { StartedProvider } from '../../infra/provider/start.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { noLog } from '../../shared/log.ts'
import { startKubernetes } from '../support/kubernetes.ts'
import { realPart } from '../support/npm-part.ts'
import { playKnative } from '../support/played-knative.ts'
import { basic, PASSWORD, startKnativeProvider } from '../support/provider.ts'

const NAMESPACE = 'openfaas-fn'
const SERVICES = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services`
const REVISIONS = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/revisions`
const POLICIES = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`
const MIN_SCALE = 'autoscaling.knative.dev/min-scale'

const kubernetes = await realPart(startKubernetes)

/** Stands where a function's pods would: answers with its path, and tells a manifest while it is awake. */
let isAwake = true
const standIn = createServer((request, response) => {
  if (request.url === '/_/manifest' && !isAwake) return void request.socket.destroy()
  const told = { name: 'weather', topics: ['lares.skill.weather'], emits: [], uses: [], concurrency: 1 }
  response.end(request.url === '/_/manifest' ? JSON.stringify(told) : `answered ${request.url}`)
})

let home: string
let provider: StartedProvider
let knative: ReturnType<typeof playKnative>

/** What the provider itself is told: of services, which functions need too, and of this machine, which they do not. */
let environment: NodeJS.ProcessEnv = {
  DATABASE_URL: 'postgres://lares:first@timescaledb.lares:5432/lares',
  S3_SECRET_KEY: 'made-once',
  LARES_HOME: '/home/somebody',
}

const open = () => startKnativeProvider(home, environment)

beforeAll(async () => {
  if (!kubernetes) return
  process.env.KUBECONFIG = kubernetes.kubeconfig
  await new Promise<void>(resolve => standIn.listen(0, '127.0.0.1', resolve))
  const { port } = standIn.address() as AddressInfo
  home = await mkdtemp(join(tmpdir(), 'lares-knative-'))
  knative = playKnative(kubernetes, () => `http://127.0.0.1:${port}`)
  provider = await open()
}, 900_000)
afterAll(async () => {
  await provider?.close({ stopFunctions: false })
  await knative?.close()
  await kubernetes?.close()
  standIn.close()
  if (home) await rm(home, { recursive: true, force: true })
})

const system = (method: string, path: string, body?: unknown) =>
  fetch(`${provider.url}/system/${path}`, {
    method,
    headers: { authorization: basic(PASSWORD) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const deployment = (service: string, more: object = {}) => ({
  service,
  image: `registry.example/lares/${service}:1`,
  limits: { memory: '256Mi', cpu: '500m' },
  ...more,
})
const deploy = (service: string, more: object = {}) => system('POST', 'functions', deployment(service, more))
const stored = async (path: string) => {
  const answer = await kubernetes!.api('GET', path)
  return answer.ok ? ((await answer.json()) as never) : undefined
}
type Stored = {
  metadata: {
    resourceVersion: string
    generation: number
    managedFields: { manager: string }[]
    annotations?: Record<string, string>
  }
  spec: {
    template: {
      metadata: { annotations: Record<string, string> }
      spec: { containers?: { image: string }[]; [key: string]: unknown }
    }
  }
}
const service = async (name: string) => (await stored(`${SERVICES}/${name}`)) as Stored | undefined
/** How many replicas the revision that answers has at least. */
const least = async (name: string) => {
  const { status } = (await service(name))! as Stored & { status: { latestReadyRevisionName: string } }
  const revision = (await stored(`${REVISIONS}/${status.latestReadyRevisionName}`)) as unknown as Stored
  return revision.metadata.annotations?.[MIN_SCALE]
}
const soon = (look: () => Promise<unknown>) => vi.waitFor(look, { timeout: 10_000 })
const listed = async () => (await (await system('GET', 'functions')).json()) as { name: string }[]

describe.skipIf(!kubernetes)('functions on Knative', () => {
  test('what is deployed is a Knative Service, with limits, a GPU, its place and its secrets', async () => {
    expect((await system('POST', 'secrets', { name: 'weather-key', value: 'sunny' })).status).toBe(202)
    const answer = await deploy('weather', {
      secrets: ['weather-key'],
      constraints: ['lares.dev/gpu=true'],
      annotations: { 'com.lares.gpu': '1', topic: 'lares.skill.weather' },
    })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    expect((await service('weather'))!.spec.template.spec).toMatchObject({
      nodeSelector: { 'lares.dev/gpu': 'true' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      containers: [
        {
          image: 'registry.example/lares/weather:1',
          resources: { limits: { memory: '256Mi', cpu: '500m', 'nvidia.com/gpu': '1' } },
          volumeMounts: [{ name: 'secrets', mountPath: '/var/openfaas/secrets', readOnly: true }],
        },
      ],
      volumes: [{ name: 'secrets', projected: { sources: [{ secret: { name: 'weather-key' } }] } }],
    })
    expect(await listed()).toMatchObject([{ name: 'weather', annotations: { topic: 'lares.skill.weather' } }])
  })

  test('every function gets where the stores are, from a Secret; with another password they run anew', async () => {
    await deploy('told')
    type Secret = { data: Record<string, string> }
    const secret = async () =>
      (await stored(`/api/v1/namespaces/${NAMESPACE}/secrets/lares-environment`)) as unknown as Secret
    const told = async () =>
      Object.fromEntries(
        Object.entries((await secret()).data).map(([name, value]) => [
          name,
          Buffer.from(value, 'base64').toString(),
        ]),
      )
    expect(await told()).toEqual({
      DATABASE_URL: environment.DATABASE_URL,
      S3_SECRET_KEY: 'made-once',
      LARES_MASTER_KEY: (await readFile(join(home, 'master.key'), 'utf8')).trim(),
    })
    const before = (await service('told'))!
    expect(before.spec.template.spec).toMatchObject({
      containers: [{ envFrom: [{ secretRef: { name: 'lares-environment' } }] }],
    })
    expect(JSON.stringify(before)).not.toContain('made-once')
    expect(await (await system('GET', 'secrets')).json()).not.toContainEqual({ name: 'lares-environment' })
    await provider.close({ stopFunctions: false })
    provider = await open()
    expect((await service('told'))!.metadata).toEqual(before.metadata)
    await provider.close({ stopFunctions: false })
    environment = { ...environment, S3_SECRET_KEY: 'another' }
    provider = await open()
    expect(await told()).toMatchObject({ S3_SECRET_KEY: 'another' })
    await soon(async () =>
      expect((await service('told'))!.metadata.generation).toBe(before.metadata.generation + 1),
    )
  })

  test('a Secret of that name that somebody else made is left alone, and the start says so', async () => {
    await provider.close({ stopFunctions: false })
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/lares-environment`
    await kubernetes!.api('DELETE', path)
    const theirs = { metadata: { name: 'lares-environment' }, data: { theirs: 'eA==' } }
    await kubernetes!.api('POST', `/api/v1/namespaces/${NAMESPACE}/secrets`, theirs)
    await expect(open()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('is not one of Lares'),
    })
    expect(await stored(path)).toMatchObject({ data: { theirs: 'eA==' } })
    await kubernetes!.api('DELETE', path)
    provider = await open()
  })

  test('the same once more changes nothing, in the order that it comes in', async () => {
    await deploy('same', { labels: { a: '1', b: '2' } })
    const { metadata } = (await service('same'))!
    // Times of writing are noted by the second.
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await deploy('same', { labels: { b: '2', a: '1' } })
    expect((await service('same'))!.metadata).toEqual(metadata)
  })

  test('what another owner has set stays', async () => {
    await deploy('shared')
    const theirs = { metadata: { annotations: { 'example.com/team': 'blue' } } }
    await kubernetes!.api('PATCH', `${SERVICES}/shared`, theirs, 'application/merge-patch+json')
    await deploy('shared', { image: 'registry.example/lares/shared:2' })
    expect(await service('shared')).toMatchObject({
      metadata: { annotations: { 'example.com/team': 'blue' } },
      spec: { template: { spec: { containers: [{ image: 'registry.example/lares/shared:2' }] } } },
    })
  })

  test('a version that does not come up is refused with the reason of Knative, and what ran goes on', async () => {
    await deploy('steady')
    const answer = await deploy('steady', { image: 'registry.example/broken:1' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('steady does not start: Unable to fetch image')
    expect((await service('steady'))!.spec.template.spec.containers).toMatchObject([
      { image: 'registry.example/lares/steady:1' },
    ])
    expect((await fetch(`${provider.url}/function/steady/hello`)).status).toBe(200)
  })

  test('one that never ran leaves nothing behind', async () => {
    const annotations = { 'com.lares.egress': 'none' }
    const answer = await deploy('stillborn', { image: 'registry.example/broken:1', annotations })
    expect(answer.status).toBe(400)
    expect(await service('stillborn')).toBeUndefined()
    expect(await stored(`${POLICIES}/stillborn-egress`)).toBeUndefined()
    expect((await listed()).map(({ name }) => name)).not.toContain('stillborn')
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
    await kubernetes!.api('POST', `/api/v1/namespaces/${NAMESPACE}/secrets`, theirs)
    expect(await (await system('GET', 'secrets')).json()).toMatchObject([{ name: 'weather-key' }])
    expect(await (await deploy('keyless', { secrets: ['theirs'] })).text()).toContain('no secret "theirs"')
    expect((await system('DELETE', 'secrets', { name: 'theirs' })).status).toBe(404)
    expect(await service('keyless')).toBeUndefined()
  })

  test('what was not deployed here is neither replaced nor removed: a Service, a policy, a Secret', async () => {
    const spec = { template: { spec: { containers: [{ image: 'registry.example/theirs:1' }] } } }
    const [apiVersion, kind] = ['serving.knative.dev/v1', 'Service']
    await kubernetes!.api('POST', SERVICES, { apiVersion, kind, metadata: { name: 'foreign' }, spec })
    for (const image of ['registry.example/lares/foreign:1', 'registry.example/broken:1'])
      expect(await (await deploy('foreign', { image })).text()).toContain('was not deployed here')
    expect((await service('foreign'))!.spec.template.spec).toMatchObject({
      containers: [{ image: 'registry.example/theirs:1' }],
    })
    const policy = {
      metadata: { name: 'guarded-egress' },
      spec: { podSelector: {}, policyTypes: ['Egress'] },
    }
    await kubernetes!.api('POST', POLICIES, policy)
    const declared = await deploy('guarded', { annotations: { 'com.lares.egress': 'none' } })
    expect(await declared.text()).toContain('was not deployed here')
    expect((await deploy('guarded')).status).toBe(202)
    expect(await stored(`${POLICIES}/guarded-egress`)).toMatchObject({ spec: { podSelector: {} } })
    const secret = await system('POST', 'secrets', { name: 'theirs', value: 'mine' })
    expect([secret.status, await secret.text()]).toEqual([400, expect.stringContaining('not one of Lares')])
  })

  test('a function reaches only what it declares, and anything again when it declares nothing', async () => {
    await deploy('narrow', { annotations: { 'com.lares.egress': 'app=kafka:9092,internet:443' } })
    expect(await stored(`${POLICIES}/narrow-egress`)).toMatchObject({
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
    await deploy('narrow')
    expect(await stored(`${POLICIES}/narrow-egress`)).toBeUndefined()
  })

  test('it is called at the address that Knative gave, and its pods are counted', async () => {
    await deploy('called')
    await knative.addPod('called', 'called-00001-deployment-a')
    const answer = await fetch(`${provider.url}/function/called/path?x=1`)
    expect(await answer.text()).toBe('answered /path?x=1')
    await soon(async () =>
      expect(await (await system('GET', 'function/called')).json()).toMatchObject({
        availableReplicas: 1,
        replicas: 1,
      }),
    )
  })

  test('after a restart everything is found again, and what functions told of themselves too, without waking them', async () => {
    await deploy('weather', { image: 'registry.example/lares/weather:2' })
    const before = await listed()
    await provider.close({ stopFunctions: false })
    isAwake = false
    provider = await open()
    isAwake = true
    expect((await listed()).map(({ name }) => name)).toEqual(before.map(({ name }) => name))
    const told = await fetch(`${provider.url}/function/weather/_/manifest`)
    expect(await told.json()).toMatchObject({ name: 'weather', topics: ['lares.skill.weather'] })
  })

  test('a deployment that a stop of the provider cut short ends as it would have ended', async () => {
    const annotations = { 'com.lares.egress': 'none' }
    await deploy('cut')
    await deploy('grown')
    knative.hold(true)
    const asked = [
      deploy('cut', { image: 'registry.example/broken:2', annotations }),
      deploy('grown', { image: 'registry.example/lares/grown:2' }),
      deploy('never', { image: 'registry.example/broken:1', annotations }),
    ].map(one => one.catch(() => undefined))
    const imageOf = async (name: string) => (await service(name))?.spec.template.spec.containers?.[0]?.image
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toContain('broken:2')
      expect(await imageOf('grown')).toContain('grown:2')
      expect(await imageOf('never')).toContain('broken:1')
    }, 10_000)
    await provider.close({ stopFunctions: false })
    await Promise.all(asked)
    provider = await open()
    knative.hold(false)
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toBe('registry.example/lares/cut:1')
      expect(await stored(`${POLICIES}/cut-egress`)).toBeUndefined()
      expect(await service('never')).toBeUndefined()
      expect(await stored(`${POLICIES}/never-egress`)).toBeUndefined()
      const { annotations } = (await service('grown'))!.metadata
      expect(annotations!['com.lares.answered']).toBe(annotations!['com.lares.deployment'])
    }, 20_000)
    expect(await imageOf('grown')).toBe('registry.example/lares/grown:2')
  })

  test('it is scaled and removed', async () => {
    await deploy('brief', { annotations: { 'com.lares.egress': 'none' } })
    expect((await system('POST', 'scale-function/brief', { serviceName: 'brief', replicas: 3 })).status).toBe(
      202,
    )
    expect(await least('brief')).toBe('3')
    expect((await system('DELETE', 'functions', { functionName: 'brief' })).status).toBe(202)
    expect(await service('brief')).toBeUndefined()
    expect(await stored(`${POLICIES}/brief-egress`)).toBeUndefined()
    expect((await system('DELETE', 'functions', { functionName: 'brief' })).status).toBe(404)
  })

  test('lares doctor tells what the cluster lacks', async () => {
    await deploy('homeless', { constraints: ['lares.dev/gpu=true'] })
    const findings = await checkProvider(
      readEnvironment({ LARES_HOME: home, OPENFAAS_URL: provider.url, PROVIDER_PASSWORD: PASSWORD }),
    )
    expect(findings).toContainEqual({
      level: 'warning',
      what: 'function homeless',
      message: expect.stringContaining('no node has lares.dev/gpu=true'),
    })
  })

  test('what the cluster lacks is told by describe, until it is there', async () => {
    const cluster = await openCluster(NAMESPACE)
    const backend = await openKnative({ cluster, log: noLog, lookEveryMs: 50 })
    await backend.deploy(
      readDeployment(
        deployment('placed', {
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
    await soon(async () =>
      expect(notices()).toBe(
        "no node with lares.dev/gpu=true offers 1 of nvidia.com/gpu: install NVIDIA's device plugin there, or ask for fewer",
      ),
    )
    const status = { allocatable: { 'nvidia.com/gpu': '1' }, capacity: { 'nvidia.com/gpu': '1' } }
    await kubernetes!.api('PATCH', '/api/v1/nodes/gpu-box/status', { status }, 'application/merge-patch+json')
    await soon(async () => expect(notices()).toBe(''))
    await backend.close({ stopFunctions: false })
  })

  test('a function stays awake inside its active hours and may sleep outside', async () => {
    const cluster = await openCluster(NAMESPACE)
    let now = Date.parse('2026-07-06T12:00:00Z')
    const backend = await openKnative({ cluster, log: noLog, lookEveryMs: 50, now: () => now })
    const annotations = { 'com.lares.active-hours': 'Mon-Fri 07:00-22:30 Europe/Berlin' }
    await backend.deploy(readDeployment(deployment('daily', { annotations })))
    expect(await least('daily')).toBe('1')
    const { generation } = (await service('daily'))!.metadata
    // 22:31 in Berlin, where it is summer.
    now = Date.parse('2026-07-06T20:31:00Z')
    await soon(async () => expect(await least('daily')).toBe('0'))
    now = Date.parse('2026-07-07T05:00:00Z')
    await soon(async () => expect(await least('daily')).toBe('1'))
    expect((await service('daily'))!.metadata.generation).toBe(generation)
    await backend.close({ stopFunctions: false })
  })

  test('a cluster without Knative, or none at all, is told at the start', async () => {
    process.env.KUBECONFIG = join(home, 'no-such-file')
    await expect(openCluster(NAMESPACE)).rejects.toMatchObject({ code: 'invalid_config' })
    process.env.KUBECONFIG = kubernetes!.kubeconfig
    const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/services.serving.knative.dev'
    await kubernetes!.api('DELETE', definition)
    await soon(() =>
      expect(openCluster(NAMESPACE)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('no Knative Serving'),
      }),
    )
  })
})
