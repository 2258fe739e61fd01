import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { prepareCluster } from '../../../infra/knative/prepare.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { buildGoPrograms } from '../../support/go-program.ts'
import { kubeconfigFor, startKubernetes } from '../../support/kubernetes/kubernetes.ts'
import { startFakeKnativeController } from '../../support/kubernetes/simulated-knative-controller.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { basicAuth, PASSWORD, startKnativeProvider } from '../../support/provider.ts'

const run = promisify(execFile)

const kustomize = await startOrSkip(async () => {
  const folder = await buildGoPrograms({
    name: 'kustomize',
    module: 'sigs.k8s.io/kustomize/kustomize/v5',
    version: 'v5.7.1',
    buildDuration: 'about a minute',
  })
  return join(folder, 'kustomize')
})
const kubernetes = await startOrSkip(startKubernetes)

type Container = {
  name: string
  image: string
  resources: { limits: { cpu: string; memory: string } }
  livenessProbe?: object
  readinessProbe?: object
  securityContext: { allowPrivilegeEscalation: boolean; capabilities: { drop: string[] } }
}
type KubernetesObject = {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  spec?: {
    template?: { spec: { containers: Container[]; priorityClassName: string } }
    podSelector?: object
    policyTypes?: string[]
  }
}

let home: string
const environment = (more: NodeJS.ProcessEnv = {}) =>
  readEnvironment({
    LARES_HOME: home,
    OPENAI_BASE_URL: 'http://192.168.7.5:11434/v1',
    LARES_MODEL: 'small',
    ...more,
  })
const renderOverlay = async (keda = true): Promise<string> => {
  const folder = await prepareCluster(environment(), { keda })
  return (await run(kustomize!, ['build', folder], { maxBuffer: 16 * 1024 * 1024 })).stdout
}
const objectsIn = (text: string) => parseAllDocuments(text).map(one => one.toJS() as KubernetesObject)

const CLUSTER_WIDE = new Set(['Namespace', 'PriorityClass', 'ClusterRole', 'ClusterRoleBinding'])
const PLURALS: Record<string, string> = { NetworkPolicy: 'networkpolicies', PriorityClass: 'priorityclasses' }
const pathOf = ({ apiVersion, kind, metadata }: KubernetesObject): string => {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const where = CLUSTER_WIDE.has(kind) ? root : `${root}/namespaces/${metadata.namespace}`
  return `${where}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`
}
/** As `kubectl apply --server-side --validate=strict` does. */
const apply = (object: object, path = pathOf(object as KubernetesObject)) =>
  kubernetes!.api(
    'PATCH',
    `${path}?fieldManager=kubectl&fieldValidation=Strict`,
    object,
    'application/apply-patch+yaml',
  )

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-cluster-'))
})
afterAll(async () => {
  await kubernetes?.close()
  await rm(home, { recursive: true, force: true })
})

describe.skipIf(!kustomize)('infra/knative, rendered', () => {
  test('all that the assistant needs, each with limits, probes, a pinned image and no more rights than it needs', async () => {
    const all = objectsIn(await renderOverlay())
    const workloads = all.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    expect(workloads.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      ['gateway', 'connector', 'provider', 'kafka', 'timescaledb', 'qdrant', 'minio'].toSorted(),
    )
    for (const { metadata, spec } of workloads) {
      const { containers, priorityClassName } = spec!.template!.spec
      expect(priorityClassName, metadata.name).toMatch(/^lares-/)
      expect(containers, metadata.name).toHaveLength(1)
      expect(containers[0], metadata.name).toMatchObject({
        image: expect.stringMatching(/^127\.0\.0\.1:5000\/lares\/host:latest$|:.*\d+\.\d+|:RELEASE\./),
        resources: { limits: { cpu: expect.any(String), memory: expect.any(String) } },
        livenessProbe: expect.anything(),
        readinessProbe: expect.anything(),
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      })
    }
    const config = all.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && /^lares-config-/.test(metadata.name),
    )
    expect(config).toMatchObject({
      data: { 'assistant.yaml': expect.any(String), 'gateway.yaml': expect.any(String) },
    })
    expect(all.find(({ metadata }) => metadata.name === 'models')).toMatchObject({
      spec: { egress: [{ ports: [{ port: 11434, protocol: 'TCP' }] }] },
    })
    for (const namespace of ['lares', 'openfaas-fn'])
      expect(all).toContainEqual(
        expect.objectContaining({
          kind: 'NetworkPolicy',
          metadata: expect.objectContaining({ name: 'nothing-else', namespace }),
          spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
        }),
      )
  })

  test('the images are those of infra/compose', async () => {
    const compose = await readFile('infra/compose/compose.yaml', 'utf8')
    const images = objectsIn(await renderOverlay())
      .flatMap(({ spec }) => spec?.template?.spec.containers.map(({ image }) => image) ?? [])
      .filter(image => !image.includes('lares/host'))
    expect(images).toHaveLength(4)
    for (const image of images) expect(compose).toContain(`image: ${image}`)
  })

  test('passwords are made once, are in Secrets alone, and readable for their owner alone', async () => {
    const first = await renderOverlay()
    expect(await renderOverlay()).toBe(first)
    const secrets = (await readFile(join(home, 'cluster', 'secrets.env'), 'utf8')).trim().split('\n')
    expect(secrets.map(line => line.split('=')[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'LARES_MASTER_KEY',
      'LARES_TOKEN',
      'PROVIDER_PASSWORD',
      'QDRANT_API_KEY',
      'S3_SECRET_KEY',
    ])
    for (const line of secrets) expect(first).not.toContain(line.slice(line.indexOf('=') + 1))
    expect((await stat(join(home, 'cluster', 'secrets.env'))).mode & 0o077).toBe(0)
  })

  test('a model server that a pod cannot reach is refused', async () => {
    const local = environment({ OPENAI_BASE_URL: 'http://localhost:11434' })
    await expect(prepareCluster(local, { keda: false })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('which in a pod is the pod itself'),
    })
  })
})

describe.skipIf(!kustomize || !kubernetes)('infra/knative on a real API server', () => {
  test('every object is accepted, without a field that the server does not know, and a second time changes nothing', async () => {
    const all = objectsIn(await renderOverlay())
    const applied = async () => {
      const found: object[] = []
      for (const object of all) {
        const answer = await apply(object)
        const stored = (await answer.json()) as { message?: string; metadata: object }
        expect([answer.status, stored.message], `${object.kind} ${object.metadata.name}`).toEqual([
          expect.toBeOneOf([200, 201]),
          undefined,
        ])
        // The server rewrites a claim by itself without a change.
        found.push({ ...stored, metadata: { ...stored.metadata, resourceVersion: undefined } })
      }
      return found
    }
    const first = await applied()
    expect(await applied()).toEqual(first)
    const gateway = all.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'gateway')!
    const wrong = await apply({ ...gateway, spec: { ...gateway.spec, replica: 3 } })
    expect([wrong.ok, await wrong.text()]).toEqual([false, expect.stringContaining('.spec.replica')])
  })

  test("the provider's account can do what the backend does, and nothing else", async () => {
    const answer = await kubernetes!.api(
      'POST',
      '/api/v1/namespaces/lares/serviceaccounts/lares-provider/token',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    )
    const { status } = (await answer.json()) as { status: { token: string } }
    const kubeconfig = join(home, 'kubeconfig')
    await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(kubernetes!.origin, status.token)))
    process.env.KUBECONFIG = kubeconfig
    const standIn = createServer((request, response) => response.end(`answered ${request.url}`))
    await new Promise<void>(resolve => standIn.listen(0, '127.0.0.1', resolve))
    const { port } = standIn.address() as AddressInfo
    const knative = startFakeKnativeController(kubernetes!, () => `http://127.0.0.1:${port}`)
    const provider = await startKnativeProvider(home, {
      DATABASE_URL: 'postgres://lares:secret@timescaledb.lares.svc:5432/lares',
    })
    const system = (method: string, path: string, body?: object) =>
      fetch(`${provider.url}/system/${path}`, {
        method,
        headers: { authorization: basicAuth(PASSWORD) },
        ...(body && { body: JSON.stringify(body) }),
      })
    try {
      expect((await system('POST', 'secrets', { name: 'key', value: 'sunny' })).status).toBe(202)
      const deployment = {
        service: 'weather',
        image: 'registry.example/lares/weather:1',
        secrets: ['key'],
        annotations: { 'com.lares.egress': 'internet:443' },
      }
      const deployed = await system('POST', 'functions', deployment)
      expect([deployed.status, await deployed.text()]).toEqual([202, ''])
      // The provider skips checks of objects that it may not read; here it may read all of them.
      expect(await (await system('GET', 'functions')).json()).toMatchObject([{ name: 'weather' }])
      expect(
        (await system('POST', 'scale-function/weather', { serviceName: 'weather', replicas: 2 })).status,
      ).toBe(202)
      expect(await (await fetch(`${provider.url}/function/weather/today`)).text()).toBe('answered /today')
      expect((await system('DELETE', 'functions', { functionName: 'weather' })).status).toBe(202)
      expect((await system('DELETE', 'secrets', { name: 'key' })).status).toBe(202)
    } finally {
      await provider.close({ stopFunctions: false })
      await knative.close()
      standIn.close()
    }
    const { Agent, fetch: ask } = await import('undici')
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const statusOf = async (method: string, path: string) =>
      (
        await ask(`${kubernetes!.origin}${path}`, {
          method,
          dispatcher,
          headers: { authorization: `Bearer ${status.token}` },
        })
      ).status
    expect(await statusOf('GET', '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services')).toBe(200)
    for (const [method, path] of [
      ['GET', '/api/v1/namespaces/lares/secrets'],
      ['GET', '/api/v1/secrets'],
      ['GET', '/api/v1/namespaces/kube-system/pods'],
      ['DELETE', '/apis/apps/v1/namespaces/lares/deployments/gateway'],
      ['POST', '/api/v1/namespaces/openfaas-fn/pods'],
      ['GET', '/api/v1/namespaces/knative-serving/configmaps/another'],
    ] as const)
      expect(await statusOf(method, path), `${method} ${path}`).toBe(403)
    await dispatcher.destroy()
  })
})
