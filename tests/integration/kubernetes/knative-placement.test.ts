import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readStackFile } from '../../../infra/cli/lint/lint-stack.ts'
import type { StartedProvider } from '../../../infra/provider/start.ts'
import { type Knative, startKnative } from '../../support/kubernetes/knative.ts'
import { startKubernetes } from '../../support/kubernetes/kubernetes.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { basicAuth, PASSWORD, startKnativeProvider } from '../../support/provider.ts'

const NAMESPACE = 'openfaas-fn'
const SERVICES = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services`
const REVISIONS = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/revisions`

const kubernetes = await startOrSkip(startKubernetes)
const knative = await startOrSkip<Knative | undefined>(
  async () => kubernetes && (await startKnative(kubernetes)),
)

let home: string
let provider: StartedProvider

beforeAll(async () => {
  if (!kubernetes || !knative) return
  process.env.KUBECONFIG = kubernetes.kubeconfig
  await knative.addNode('box', { labels: { 'lares.dev/gpu': 'true' }, gpus: 1 })
  await knative.addNode('plain')
  await knative.addNode('other')
  home = await mkdtemp(join(tmpdir(), 'lares-placement-'))
  provider = await startKnativeProvider(home, {})
}, 60_000)
afterAll(async () => {
  await provider?.close({ stopFunctions: false })
  await knative?.close()
  await kubernetes?.close()
  if (home) await rm(home, { recursive: true, force: true })
})

const systemRequest = (method: string, path: string, body?: unknown) =>
  fetch(`${provider.url}/system/${path}`, {
    method,
    headers: { authorization: basicAuth(PASSWORD) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const deploy = (service: string, more: object = {}) =>
  systemRequest('POST', 'functions', {
    service,
    image: `registry.example/lares/${service}:1`,
    limits: { memory: '256Mi', cpu: '500m' },
    labels: { 'com.openfaas.scale.min': '1' },
    ...more,
  })
const gpuRequirements = { constraints: ['lares.dev/gpu=true'], annotations: { 'com.lares.gpu': '1' } }
const getStored = async (path: string) =>
  (await (await kubernetes!.api('GET', path)).json()) as { items: Pod[] }
type Pod = {
  metadata: { name: string; labels: Record<string, string>; deletionTimestamp?: string }
  spec: { nodeName?: string }
  status: { phase: string; conditions?: { type: string; reason?: string; message?: string }[] }
}
const podsOf = async (name: string) =>
  (await getStored(`/api/v1/namespaces/${NAMESPACE}/pods`)).items.filter(
    ({ metadata }) => metadata.labels.faas_function === name && !metadata.deletionTimestamp,
  )
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 60_000, interval: 200 })

describe.skipIf(!knative)("on Knative's own controllers, with Kubernetes' scheduler", () => {
  test('a function with a GPU is bound to the labelled node, and others are not', async () => {
    const answers = await Promise.all([
      deploy('generation', gpuRequirements),
      ...['memory', 'dialog', 'intent'].map(name => deploy(name)),
    ])
    for (const answer of answers) expect([answer.status, await answer.text()]).toEqual([202, ''])
    const [generation, ...others] = await Promise.all(
      ['generation', 'memory', 'dialog', 'intent'].map(podsOf),
    )
    expect(generation!.map(({ spec, status }) => [spec.nodeName, status.phase])).toEqual([['box', 'Running']])
    for (const [pod] of others) expect(['plain', 'other']).toContain(pod!.spec.nodeName)
  }, 120_000)

  test('the same deployment once more makes no revision and writes nothing', async () => {
    const look = async () => [
      await (await kubernetes!.api('GET', `${SERVICES}/generation`)).json(),
      (await getStored(REVISIONS)).items.length,
    ]
    const before = await look()
    expect((await deploy('generation', gpuRequirements)).status).toBe(202)
    expect(await look()).toEqual(before)
  })

  test('a second one that needs the only GPU is refused with what the scheduler says, and the first stays', async () => {
    const answer = await deploy('second', gpuRequirements)
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringMatching(/second does not start: .*Insufficient nvidia.com\/gpu/),
    ])
    expect(await podsOf('generation')).toHaveLength(1)
    await eventually(async () => expect(await podsOf('second')).toEqual([]))
  }, 180_000)

  test('an update of the function that holds the only GPU takes its place', async () => {
    const [before] = await podsOf('generation')
    const answer = await deploy('generation', {
      ...gpuRequirements,
      image: 'registry.example/lares/generation:2',
    })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    const [pod, ...others] = await podsOf('generation')
    expect([pod!.spec.nodeName, pod!.status.phase, others]).toEqual(['box', 'Running', []])
    expect(pod!.metadata.name).not.toBe(before!.metadata.name)
  }, 120_000)

  test('a version that has no room even then is refused, and the one before it comes back', async () => {
    const limits = { memory: '64Gi', cpu: '500m' }
    const answer = await deploy('generation', { ...gpuRequirements, limits, requests: limits })
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('Insufficient memory'),
    ])
    await eventually(async () =>
      expect((await podsOf('generation')).map(({ spec, status }) => [spec.nodeName, status.phase])).toEqual([
        ['box', 'Running'],
      ]),
    )
    expect(await (await systemRequest('GET', 'function/generation')).json()).toMatchObject({
      image: 'registry.example/lares/generation:2',
    })
  }, 120_000)

  test('one that asks for more GPUs than there are leaves the old one alone', async () => {
    const [before] = await podsOf('generation')
    const annotations = { 'com.lares.gpu': '2' }
    const answer = await deploy('generation', { ...gpuRequirements, annotations })
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('offers 2 of nvidia.com/gpu'),
    ])
    expect((await podsOf('generation')).map(({ metadata }) => metadata.name)).toContain(before!.metadata.name)
  }, 120_000)

  test('replicas are pods, without a new revision, and they go when the function is removed', async () => {
    const scale = { serviceName: 'memory', replicas: 3 }
    const { length: revisions } = (await getStored(REVISIONS)).items
    expect((await systemRequest('POST', 'scale-function/memory', scale)).status).toBe(202)
    await eventually(async () => {
      const described = await (await systemRequest('GET', 'function/memory')).json()
      expect(described).toMatchObject({ replicas: 3, availableReplicas: 3 })
    })
    expect((await podsOf('memory')).map(({ status }) => status.phase)).toEqual(Array(3).fill('Running'))
    expect((await getStored(REVISIONS)).items).toHaveLength(revisions)
    expect((await systemRequest('DELETE', 'functions', { functionName: 'memory' })).status).toBe(202)
    await eventually(async () => expect(await podsOf('memory')).toEqual([]))
  }, 120_000)

  test('an image that cannot be had is refused with the reason of Knative, and what ran goes on', async () => {
    const answer = await deploy('dialog', { image: '127.0.0.1:9/lares/dialog:2' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(
      /dialog does not start: .*Unable to fetch image "127\.0\.0\.1:9\/lares\/dialog:2"/s,
    )
    expect((await podsOf('dialog')).map(({ status }) => status.phase)).toContain('Running')
    await eventually(async () =>
      expect(await (await systemRequest('GET', 'function/dialog')).json()).toMatchObject({
        image: 'registry.example/lares/dialog:1',
        availableReplicas: 1,
      }),
    )
  }, 120_000)

  test('every function of stack.yml passes what Knative checks, and comes up', async () => {
    const stack = await readStackFile('stack.yml', { REGISTRY: 'registry.example' })
    for (const { name, image, labels, annotations, limits, requests, readonly_root_filesystem } of stack) {
      const more = { image, labels, annotations, limits, requests }
      const answer = await deploy(name, { ...more, readOnlyRootFilesystem: readonly_root_filesystem })
      expect([name, answer.status, await answer.text()]).toEqual([name, 202, ''])
    }
    expect(stack.length).toBeGreaterThan(7)
  }, 120_000)

  test('where a feature is off, Knative refuses the field and the remedy is said', async () => {
    await knative!.patchConfigMap('config-features', { 'kubernetes.podspec-nodeselector': 'disabled' })
    const answer = await eventually(async () => {
      const answer = await deploy('placed', { constraints: ['lares.dev/gpu=true'] })
      expect(answer.status).toBe(400)
      return answer
    })
    expect(await answer.text()).toMatch(/must not set the field\(s\): .*nodeSelector/s)
    await knative!.patchConfigMap('config-features', { 'kubernetes.podspec-nodeselector': 'enabled' })
  }, 120_000)

  // The last: new kubelets take over the nodes only when the leases of the old ones have run out.
  test('what pods say is read by the last lines, since a time, and on, also after its stream has ended', async () => {
    expect((await deploy('speaker')).status).toBe(202)
    const [{ metadata }] = (await podsOf('speaker')) as [Pod]
    const lines = async (query: string) => {
      const text = await (await systemRequest('GET', `logs?name=speaker&${query}`)).text()
      return text
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { text: string; instance: string }).text)
    }
    for (const line of ['one', 'two', 'three']) await knative!.appendLog(line)
    await eventually(async () => expect(await lines('tail=2')).toEqual(['two', 'three']))
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const since = new Date().toISOString()
    await knative!.appendLog('four')
    await eventually(async () => expect(await lines(`since=${since}`)).toEqual(['four']))
    expect(await lines(`tail=1&instance=${metadata.name}`)).toEqual(['four'])
    const leaving = new AbortController()
    const following = await fetch(`${provider.url}/system/logs?name=speaker&follow=true&tail=1`, {
      headers: { authorization: basicAuth(PASSWORD) },
      signal: leaving.signal,
    })
    let heard = ''
    const reading = (async () => {
      for await (const bytes of following.body!) heard += Buffer.from(bytes).toString()
    })().catch(() => undefined)
    const texts = () => [...heard.matchAll(/"text":"(.*?)"/g)].map(([, text]) => text)
    await eventually(() => expect(texts()).toEqual(['four']))
    await knative!.appendLog('five')
    await eventually(() => expect(texts()).toEqual(['four', 'five']))
    await knative!.restartKubelets()
    await knative!.appendLog('six')
    await eventually(() => expect(texts()).toEqual(['four', 'five', 'six']))
    leaving.abort()
    await reading
  }, 120_000)
})
