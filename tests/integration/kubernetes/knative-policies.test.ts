import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../../shared/base/free-port.ts'
import { dockerProviderBackend } from '../../support/docker/docker-fixture.ts'
import { type KnativeTestCluster, startKnativeTestCluster } from '../../support/kubernetes/knative-fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { ask, basicAuth, PASSWORD, type ProviderTestBackend } from '../../support/provider.ts'

const knative = await startOrSkip(() => startKnativeTestCluster({ policies: true }))

/** Which of `host:port` take a connection within a second, and which names are resolved. */
const PROBE_SOURCE = `const { connect } = await import('node:net')
  const { lookup } = await import('node:dns/promises')
  const reaches = target => new Promise(resolve => {
    const [host, port] = target.split(':')
    setTimeout(resolve, 1000, false)
    if (port) connect({ host, port }, () => resolve(true)).on('error', () => resolve(false))
    else lookup(host).then(() => resolve(true), () => resolve(false))
  })
  const reached = async targets => {
    const answers = await Promise.all(targets.map(reaches))
    return targets.filter((_, at) => answers[at]).join()
  }`
/** A pod that accepts connections at every port of Lares and one more, and reports by HTTP what it reaches. */
const LISTENER_SOURCE = `${PROBE_SOURCE}
  const { createServer } = await import('node:http')
  for (const port of [8080, 9092, 9464, 9999, 31112])
    createServer(async ({ url }, response) => response.end(await reached(url.slice(1).split(',')))).listen(port)`

let home: string
let functions: ProviderTestBackend
let provider: Awaited<ReturnType<KnativeTestCluster['startProvider']>>
/** Addresses of pods. */
const addresses = { kafka: '', gateway: '', connector: '', provider: '', stranger: '', neighbour: '' }

beforeAll(async () => {
  if (!knative) return
  home = await mkdtemp(join(tmpdir(), 'lares-policies-'))
  functions = await dockerProviderBackend(knative.machine)
  provider = await knative.startProvider(await freePort())
  addresses.kafka = await startPod('lares', 'kafka', { app: 'kafka', 'lares.dev/store': 'true' })
  for (const app of ['gateway', 'connector', 'provider'] as const)
    addresses[app] = await startPod('lares', app, { app })
  for (const name of ['stranger', 'neighbour'] as const) addresses[name] = await startPod('default', name)
}, 180_000)
afterAll(async () => {
  await provider?.close()
  await knative?.close()
  expect((await promisify(execFile)('iptables-save')).stdout).not.toContain('KUBE-')
  if (home) await rm(home, { recursive: true, force: true })
}, 60_000)

async function startPod(namespace: string, name: string, labels = {}): Promise<string> {
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const command = ['node', '--input-type=module', '--eval', LISTENER_SOURCE]
  const containers = [{ name, image: knative!.machine.baseImages.base, command }]
  const created = await knative!.kubernetes.api('POST', pods, {
    metadata: { name, labels },
    spec: { containers },
  })
  expect(created.status).toBe(201)
  const { api } = knative!.kubernetes
  return await eventually(async () => {
    const { status } = (await (await api('GET', `${pods}/${name}`)).json()) as V1Pod
    expect(status?.containerStatuses?.[0]?.state?.running).toBeDefined()
    await probeFromPod(status!.podIP!, [])
    return status!.podIP!
  })
}
/** The targets that a pod reaches. This machine reaches every pod, as the node does. */
async function probeFromPod(address: string, targets: string[]): Promise<string[]> {
  const answer = await fetch(`http://${address}:9999/${targets}`, { signal: AbortSignal.timeout(5_000) })
  return parseList(await answer.text())
}
const parseList = (text: string) => text.split(',').filter(Boolean)
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 60_000, interval: 100 })

async function deployFunction(name: string, egress?: string): Promise<void> {
  await functions.write(
    home,
    name,
    `${PROBE_SOURCE}
    export default { name: '${name}', handleMessage: ({ text }) => reached(text.split(',')) }`,
  )
  const answer = await fetch(`${provider.url}/system/functions`, {
    method: 'POST',
    headers: { authorization: basicAuth(PASSWORD) },
    body: JSON.stringify({
      service: name,
      image: functions.image(name),
      limits: { memory: '256Mi', cpu: '1' },
      ...(egress !== undefined && { annotations: { 'com.lares.egress': egress } }),
    }),
  })
  expect([answer.status, await answer.text()]).toEqual([202, ''])
}
/** Policies take effect a moment after the pod exists. */
const expectReached = (name: string, expected: string[]) =>
  eventually(async () => expect(await probeFromFunction(name)).toEqual(expected))
async function probeFromFunction(name: string): Promise<string[]> {
  const answer = await ask(provider.url, name, String(targets()))
  expect(answer.status).toBe(200)
  return parseList(((await answer.json()) as { text: string }).text)
}

/** Its port in every pod of Knative, where requests come in. */
const QUEUE_PROXY_PORT = 8012
const CLUSTER_HOST_NAME = 'activator-service.knative-serving.svc.cluster.local'
const externalAddress = () => new URL(knative!.kubernetes.origin).host
const targets = () => [
  `${addresses.kafka}:9092`,
  `${addresses.kafka}:9999`,
  `${addresses.gateway}:9092`,
  `${addresses.stranger}:9092`,
  externalAddress(),
  CLUSTER_HOST_NAME,
]

describe.skipIf(!knative)('network policies in force', () => {
  test('a function that declares nothing reaches the stores and names, and answers', async () => {
    await deployFunction('free')
    await expectReached('free', [`${addresses.kafka}:9092`, `${addresses.kafka}:9999`, CLUSTER_HOST_NAME])
  }, 120_000)

  test('one that declares reaches what it declares, and names', async () => {
    await deployFunction('declared', 'app=kafka:9092')
    await expectReached('declared', [`${addresses.kafka}:9092`, CLUSTER_HOST_NAME])
    await deployFunction(
      'calling',
      `${new URL(knative!.kubernetes.origin).hostname}/32:${externalAddress().split(':')[1]}`,
    )
    await expectReached('calling', [externalAddress(), CLUSTER_HOST_NAME])
  }, 120_000)

  test('one that declares that it needs nothing reaches nothing, and answers', async () => {
    await deployFunction('hermit', 'none')
    await expectReached('hermit', [])
  }, 120_000)

  test('what it declares otherwise is so for the next version', async () => {
    await deployFunction('declared', 'app=kafka:9999')
    await expectReached('declared', [`${addresses.kafka}:9999`, CLUSTER_HOST_NAME])
  }, 120_000)

  test("Lares's own processes reach what they need, and are reached by those who need them", async () => {
    const [pod] = await knative!.podsOf('free')
    const aFunction = `${pod!.status!.podIP}:${QUEUE_PROXY_PORT}`
    const [kafka, page, measured, api] = [
      `${addresses.kafka}:9092`,
      `${addresses.gateway}:8080`,
      `${addresses.connector}:9464`,
      `${addresses.provider}:31112`,
    ]
    const more = [
      `${addresses.gateway}:9999`,
      `${addresses.connector}:9999`,
      `${addresses.provider}:9999`,
      `${addresses.neighbour}:9999`,
    ]
    const reached = async (name: keyof typeof addresses) =>
      (await probeFromPod(addresses[name], [kafka, page, measured, api, aFunction, ...more])).filter(
        target => !target.startsWith(`${addresses[name]}:`),
      )
    expect(await reached('gateway')).toEqual([kafka, measured, api])
    expect(await reached('connector')).toEqual([kafka, api])
    expect(await reached('provider')).toEqual([kafka, page, aFunction])
    expect(await reached('stranger')).toEqual([page, measured, `${addresses.neighbour}:9999`])
  })
})
