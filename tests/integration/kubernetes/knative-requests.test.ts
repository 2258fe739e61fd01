import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../../shared/base/free-port.ts'
import { dockerProviderBackend } from '../../support/docker/docker-fixture.ts'
import { type KnativeTestCluster, startKnativeTestCluster } from '../../support/kubernetes/knative-fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { ask, basicAuth, PASSWORD, type ProviderTestBackend } from '../../support/provider.ts'

const PODS_PATH = '/api/v1/namespaces/openfaas-fn/pods'
const SCALE_TO_ZERO_LABELS = { 'com.openfaas.scale.zero': 'true', 'com.openfaas.scale.zero-duration': '6s' }

const knative = await startOrSkip(startKnativeTestCluster)

let home: string
let functions: ProviderTestBackend
let provider: Awaited<ReturnType<KnativeTestCluster['startProvider']>>

beforeAll(async () => {
  if (!knative) return
  home = await mkdtemp(join(tmpdir(), 'lares-requests-'))
  functions = await dockerProviderBackend(knative.machine)
  provider = await knative.startProvider(await freePort())
}, 120_000)
afterAll(async () => {
  await provider?.close()
  await knative?.close()
  if (home) await rm(home, { recursive: true, force: true })
}, 60_000)

const systemRequest = (method: string, path: string, body?: unknown) =>
  fetch(`${provider.url}/system/${path}`, {
    method,
    headers: { authorization: basicAuth(PASSWORD) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
/** A skill that returns its version and its input. */
async function deploy(name: string, version: string, body = '', more: object = {}): Promise<Response> {
  await functions.write(
    home,
    name,
    `const me = crypto.randomUUID()
    ${body}
    export default { name: '${name}', async handleMessage({ text }) { return \`${version} \${me} \${text}\` } }`,
  )
  const limits = { memory: '256Mi', cpu: '1' }
  const image = functions.image(name)
  return await systemRequest('POST', 'functions', {
    ...{ service: name, image, limits, readOnlyRootFilesystem: true },
    ...more,
  })
}
async function deployFunction(...args: Parameters<typeof deploy>): Promise<void> {
  const answer = await deploy(...args)
  expect([answer.status, await answer.text()]).toEqual([202, ''])
}
/** [version, replica, text] of the answer. */
async function callFunction(name: string, text = 'hello'): Promise<string[]> {
  const answer = await ask(provider.url, name, text)
  const body = await answer.text()
  expect([answer.status, body]).toEqual([200, expect.any(String)])
  return (JSON.parse(body) as { text: string }).text.split(' ')
}
const podsOf = (name: string) => knative!.podsOf(name)
const eventually = <T>(check: () => T | Promise<T>, timeout = 60_000) =>
  vi.waitFor(check, { timeout, interval: 100 })

describe.skipIf(!knative)('requests through Knative: Kourier, its activator and queue-proxy', () => {
  test('a function comes up, tells what it is, and answers', async () => {
    await deployFunction('hello', 'one')
    expect(await callFunction('hello')).toEqual(['one', expect.any(String), 'hello'])
    expect(await (await fetch(`${provider.url}/function/hello/_/manifest`)).json()).toMatchObject({
      name: 'hello',
      topics: ['lares.skill.hello'],
    })
  }, 120_000)

  test('it sleeps when nobody has called for as long as it says, and wakes for all who call then', async () => {
    await deployFunction('sleeper', 'one', '', { labels: SCALE_TO_ZERO_LABELS })
    const [, before] = await callFunction('sleeper')
    const calledAt = performance.now()
    await eventually(async () => expect(await podsOf('sleeper')).toEqual([]))
    const asleepMs = performance.now() - calledAt
    const wokenAt = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => callFunction('sleeper', String(n))),
    )
    process.stderr.write(
      `asleep ${Math.round(asleepMs)} ms after the last call; from zero to 20 answers ${Math.round(performance.now() - wokenAt)} ms\n`,
    )
    expect(answers.map(([, , text]) => text)).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
    expect(answers.map(([, replica]) => replica)).not.toContain(before)
    expect(asleepMs).toBeGreaterThan(6_000)
  }, 180_000)

  test('an update is taken while calls flow, and none of them fails', async () => {
    await deployFunction('renewed', 'one')
    const versions: string[] = []
    let isOver = false
    const calling = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          versions.push((await callFunction('renewed'))[0]!)
          await wait(20)
        }
      }),
    )
    await eventually(async () => expect(versions.length).toBeGreaterThan(8))
    await deployFunction('renewed', 'two')
    await eventually(async () =>
      expect(await callFunction('renewed')).toEqual(['two', expect.any(String), 'hello']),
    )
    const revisions = async () =>
      (await podsOf('renewed')).map(({ metadata }) => metadata!.labels!['serving.knative.dev/revision'])
    await eventually(
      async () => expect(new Set(await revisions())).toEqual(new Set(['renewed-00002'])),
      120_000,
    )
    isOver = true
    await calling
    expect(new Set(versions)).toEqual(new Set(['one', 'two']))
    expect(versions.lastIndexOf('one')).toBeLessThan(versions.length - 1)
  }, 240_000)

  test('what is pushed anew under the same name is a change, and only then', async () => {
    const generation = async () => {
      const path = '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services/renewed'
      return ((await (await knative!.kubernetes.api('GET', path)).json()) as V1Pod).metadata!.generation
    }
    const before = await generation()
    await deployFunction('renewed', 'two')
    expect(await generation()).toBe(before)
    expect(await (await systemRequest('GET', 'function/renewed')).json()).toMatchObject({
      image: functions.image('renewed'),
    })
  }, 120_000)

  test('a version that ends as it starts is refused with its last words, and the one before goes on', async () => {
    await deployFunction('careful', 'one')
    const answer = await deploy('careful', 'two', 'throw new Error("the map is missing")')
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringMatching(/careful does not start: .*the map is missing/s),
    ])
    expect(await callFunction('careful')).toEqual(['one', expect.any(String), 'hello'])
  }, 240_000)

  test('replicas share the calls, and the end of one is not felt', async () => {
    await deployFunction('many', 'one', '', { labels: { 'com.openfaas.scale.min': '1' } })
    expect(
      (await systemRequest('POST', 'scale-function/many', { serviceName: 'many', replicas: 3 })).status,
    ).toBe(202)
    const replicas = async () =>
      new Set(
        (await Promise.all(Array.from({ length: 30 }, () => callFunction('many')))).map(
          ([, replica]) => replica,
        ),
      )
    await eventually(async () => expect((await replicas()).size).toBe(3))
    // A replica may answer before the cluster has told the provider about it.
    await eventually(async () =>
      expect(await (await systemRequest('GET', 'function/many')).json()).toMatchObject({
        availableReplicas: 3,
      }),
    )
    const [{ metadata }] = (await podsOf('many')) as [V1Pod]
    await knative!.kubernetes.api('DELETE', `${PODS_PATH}/${metadata!.name}`)
    const until = performance.now() + 5_000
    while (performance.now() < until) await callFunction('many')
    await eventually(async () => expect((await replicas()).size).toBe(3))
  }, 180_000)

  test('a removed function is gone with its pods', async () => {
    expect((await systemRequest('DELETE', 'functions', { functionName: 'hello' })).status).toBe(202)
    await eventually(async () => expect(await podsOf('hello')).toEqual([]))
    expect((await ask(provider.url, 'hello', '')).status).toBe(503)
  }, 120_000)
})
