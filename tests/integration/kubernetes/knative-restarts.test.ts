import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type KnativeProviderFixture,
  openKnativeProviderFixture,
  POLICIES_PATH,
  PROVIDER_ENVIRONMENT,
  SECRETS_PATH,
  SERVICES_PATH,
} from '../../support/kubernetes/knative-instance.ts'
import { startKubernetes } from '../../support/kubernetes/kubernetes.ts'
import { startOrSkip } from '../../support/npm-program.ts'

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

describe.skipIf(!kubernetes)('a provider on Knative that starts again', () => {
  test('every function gets where the stores are, from a Secret; with another password they run anew', async () => {
    await fixture.deploy('told')
    type Secret = { data: Record<string, string> }
    const secret = async () =>
      (await fixture.stored(`${SECRETS_PATH}/lares-environment`)) as unknown as Secret
    const told = async () =>
      Object.fromEntries(
        Object.entries((await secret()).data).map(([name, value]) => [
          name,
          Buffer.from(value, 'base64').toString(),
        ]),
      )
    expect(await told()).toEqual({
      DATABASE_URL: PROVIDER_ENVIRONMENT.DATABASE_URL,
      S3_SECRET_KEY: 'made-once',
      LARES_MASTER_KEY: (await readFile(join(fixture.home, 'master.key'), 'utf8')).trim(),
    })
    const before = (await fixture.service('told'))!
    expect(before.spec.template.spec).toMatchObject({
      containers: [{ envFrom: [{ secretRef: { name: 'lares-environment' } }] }],
    })
    expect(JSON.stringify(before)).not.toContain('made-once')
    expect(await (await fixture.system('GET', 'secrets')).json()).not.toContainEqual({
      name: 'lares-environment',
    })
    await fixture.stop()
    await fixture.start()
    expect((await fixture.service('told'))!.metadata).toEqual(before.metadata)
    await fixture.stop()
    await fixture.start({ ...PROVIDER_ENVIRONMENT, S3_SECRET_KEY: 'another' })
    expect(await told()).toMatchObject({ S3_SECRET_KEY: 'another' })
    await eventually(async () =>
      expect((await fixture.service('told'))!.metadata.generation).toBe(before.metadata.generation + 1),
    )
  })

  test('a Secret of that name that somebody else made is left alone, and the start says so', async () => {
    await fixture.stop()
    const path = `${SECRETS_PATH}/lares-environment`
    await kubernetes!.api('DELETE', path)
    const theirs = { metadata: { name: 'lares-environment' }, data: { theirs: 'eA==' } }
    await kubernetes!.api('POST', SECRETS_PATH, theirs)
    await expect(fixture.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('is not one of Lares'),
    })
    expect(await fixture.stored(path)).toMatchObject({ data: { theirs: 'eA==' } })
    await kubernetes!.api('DELETE', path)
    await fixture.start()
  })

  test('after a restart everything is found again, and what functions told of themselves too, without waking them', async () => {
    await fixture.deploy('weather', { image: 'registry.example/lares/weather:2' })
    const before = await fixture.listed()
    await fixture.stop()
    fixture.sleep(true)
    await fixture.start()
    fixture.sleep(false)
    expect((await fixture.listed()).map(({ name }) => name)).toEqual(before.map(({ name }) => name))
    const told = await fetch(`${fixture.url()}/function/weather/_/manifest`)
    expect(await told.json()).toMatchObject({ name: 'weather', topics: ['lares.skill.weather'] })
  })

  test('a deployment that a stop of the provider cut short ends as it would have ended', async () => {
    const annotations = { 'com.lares.egress': 'none' }
    await fixture.deploy('cut')
    await fixture.deploy('grown')
    fixture.knative.hold(true)
    const asked = [
      fixture.deploy('cut', { image: 'registry.example/broken:2', annotations }),
      fixture.deploy('grown', { image: 'registry.example/lares/grown:2' }),
      fixture.deploy('never', { image: 'registry.example/broken:1', annotations }),
    ].map(one => one.catch(() => undefined))
    const imageOf = async (name: string) =>
      (await fixture.service(name))?.spec.template.spec.containers?.[0]?.image
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toContain('broken:2')
      expect(await imageOf('grown')).toContain('grown:2')
      expect(await imageOf('never')).toContain('broken:1')
    }, 10_000)
    await fixture.stop()
    await Promise.all(asked)
    await fixture.start()
    fixture.knative.hold(false)
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toBe('registry.example/lares/cut:1')
      expect(await fixture.stored(`${POLICIES_PATH}/cut-egress`)).toBeUndefined()
      expect(await fixture.service('never')).toBeUndefined()
      expect(await fixture.stored(`${POLICIES_PATH}/never-egress`)).toBeUndefined()
      const { annotations } = (await fixture.service('grown'))!.metadata
      expect(annotations!['com.lares.answered']).toBe(annotations!['com.lares.deployment'])
    }, 20_000)
    expect(await imageOf('grown')).toBe('registry.example/lares/grown:2')
  })

  test('what a provider deployed that wrote down nothing of what answered stays, and is written down', async () => {
    await fixture.deploy('old')
    const answered = async () => (await fixture.service('old'))?.metadata.annotations?.['com.lares.answered']
    const before = await answered()
    const bare = { metadata: { annotations: { 'com.lares.answered': null } } }
    await fixture.stop()
    await kubernetes!.api('PATCH', `${SERVICES_PATH}/old`, bare, 'application/merge-patch+json')
    expect(await answered()).toBeUndefined()
    await fixture.start()
    await eventually(async () => expect(await answered()).toBe(before))
  })
})
