import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dockerGround } from '../../support/docker/docker-fixture.ts'
import { freePort } from '../../support/instance.ts'
import { type KnativeGround, startKnativeGround } from '../../support/kubernetes/knative-fixture.ts'
import { realPart } from '../../support/npm-program.ts'
import { ask, basic, type Ground, PASSWORD } from '../../support/provider.ts'

const knative = await realPart(() => startKnativeGround({ policies: true }))

/** Which of `host:port` take a connection within a second, and which names are resolved. */
const REACHING = `const { connect } = await import('node:net')
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
/** A pod that takes connections at every port of Lares, and one more; and tells by HTTP what it reaches. */
const LISTENING = `${REACHING}
  const { createServer } = await import('node:http')
  for (const port of [8080, 9092, 9464, 9999, 31112])
    createServer(async ({ url }, response) => response.end(await reached(url.slice(1).split(',')))).listen(port)`

let home: string
let functions: Ground
let provider: Awaited<ReturnType<KnativeGround['startProvider']>>
/** Addresses of pods. */
const at = { kafka: '', gateway: '', connector: '', provider: '', stranger: '', neighbour: '' }

beforeAll(async () => {
  if (!knative) return
  home = await mkdtemp(join(tmpdir(), 'lares-policies-'))
  functions = await dockerGround(knative.machine)
  provider = await knative.startProvider(await freePort())
  at.kafka = await startPod('lares', 'kafka', { app: 'kafka', 'lares.dev/store': 'true' })
  for (const app of ['gateway', 'connector', 'provider'] as const)
    at[app] = await startPod('lares', app, { app })
  for (const name of ['stranger', 'neighbour'] as const) at[name] = await startPod('default', name)
}, 180_000)
afterAll(async () => {
  await provider?.close()
  await knative?.close()
  expect((await promisify(execFile)('iptables-save')).stdout).not.toContain('KUBE-')
  if (home) await rm(home, { recursive: true, force: true })
}, 60_000)

async function startPod(namespace: string, name: string, labels = {}): Promise<string> {
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const command = ['node', '--input-type=module', '--eval', LISTENING]
  const containers = [{ name, image: knative!.machine.base.base, command }]
  const created = await knative!.kubernetes.api('POST', pods, {
    metadata: { name, labels },
    spec: { containers },
  })
  expect(created.status).toBe(201)
  const { api } = knative!.kubernetes
  return await soon(async () => {
    const { status } = (await (await api('GET', `${pods}/${name}`)).json()) as V1Pod
    expect(status?.containerStatuses?.[0]?.state?.running).toBeDefined()
    await told(status!.podIP!, [])
    return status!.podIP!
  })
}
/** What of these a pod reaches. This machine reaches every pod, as the one it is on. */
async function told(address: string, targets: string[]): Promise<string[]> {
  const answer = await fetch(`http://${address}:9999/${targets}`, { signal: AbortSignal.timeout(5_000) })
  return listed(await answer.text())
}
const listed = (text: string) => text.split(',').filter(Boolean)
const soon = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 60_000, interval: 100 })

async function deployed(name: string, egress?: string): Promise<void> {
  await functions.write(
    home,
    name,
    `${REACHING}
    export default { name: '${name}', handleMessage: ({ text }) => reached(text.split(',')) }`,
  )
  const answer = await fetch(`${provider.url}/system/functions`, {
    method: 'POST',
    headers: { authorization: basic(PASSWORD) },
    body: JSON.stringify({
      service: name,
      image: functions.image(name),
      limits: { memory: '256Mi', cpu: '1' },
      ...(egress !== undefined && { annotations: { 'com.lares.egress': egress } }),
    }),
  })
  expect([answer.status, await answer.text()]).toEqual([202, ''])
}
/** What is in force for a pod is so a moment after it is there. */
const expectReached = (name: string, expected: string[]) =>
  soon(async () => expect(await reachedBy(name)).toEqual(expected))
async function reachedBy(name: string): Promise<string[]> {
  const answer = await ask(provider.url, name, String(targets()))
  expect(answer.status).toBe(200)
  return listed(((await answer.json()) as { text: string }).text)
}

/** Its port in every pod of Knative, where requests come in. */
const QUEUE_PROXY = 8012
const NAME = 'activator-service.knative-serving.svc.cluster.local'
const outside = () => new URL(knative!.kubernetes.origin).host
const targets = () => [
  `${at.kafka}:9092`,
  `${at.kafka}:9999`,
  `${at.gateway}:9092`,
  `${at.stranger}:9092`,
  outside(),
  NAME,
]

describe.skipIf(!knative)('network policies in force', () => {
  test('a function that declares nothing reaches the stores and names, and answers', async () => {
    await deployed('free')
    await expectReached('free', [`${at.kafka}:9092`, `${at.kafka}:9999`, NAME])
  }, 120_000)

  test('one that declares reaches what it declares, and names', async () => {
    await deployed('declared', 'app=kafka:9092')
    await expectReached('declared', [`${at.kafka}:9092`, NAME])
    await deployed('calling', `${new URL(knative!.kubernetes.origin).hostname}/32:${outside().split(':')[1]}`)
    await expectReached('calling', [outside(), NAME])
  }, 120_000)

  test('one that declares that it needs nothing reaches nothing, and answers', async () => {
    await deployed('hermit', 'none')
    await expectReached('hermit', [])
  }, 120_000)

  test('what it declares otherwise is so for the next version', async () => {
    await deployed('declared', 'app=kafka:9999')
    await expectReached('declared', [`${at.kafka}:9999`, NAME])
  }, 120_000)

  test("Lares's own processes reach what they need, and are reached by those who need them", async () => {
    const [pod] = await knative!.podsOf('free')
    const aFunction = `${pod!.status!.podIP}:${QUEUE_PROXY}`
    const [kafka, page, measured, api] = [
      `${at.kafka}:9092`,
      `${at.gateway}:8080`,
      `${at.connector}:9464`,
      `${at.provider}:31112`,
    ]
    const more = [`${at.gateway}:9999`, `${at.connector}:9999`, `${at.provider}:9999`, `${at.neighbour}:9999`]
    const reached = async (name: keyof typeof at) =>
      (await told(at[name], [kafka, page, measured, api, aFunction, ...more])).filter(
        target => !target.startsWith(`${at[name]}:`),
      )
    expect(await reached('gateway')).toEqual([kafka, api])
    expect(await reached('connector')).toEqual([kafka, api])
    expect(await reached('provider')).toEqual([kafka, page, aFunction])
    expect(await reached('stranger')).toEqual([page, measured, `${at.neighbour}:9999`])
  })
})
