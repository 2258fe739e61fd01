import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type KnativeHouse,
  openKnativeHouse,
  POLICIES,
  SECRETS,
  SERVICES,
  TOLD,
} from '../../support/kubernetes/knative-instance.ts'
import { startKubernetes } from '../../support/kubernetes/kubernetes.ts'
import { realPart } from '../../support/npm-program.ts'

const kubernetes = await realPart(startKubernetes)
let house: KnativeHouse
beforeAll(async () => {
  if (kubernetes) house = await openKnativeHouse(kubernetes)
}, 900_000)
afterAll(async () => {
  await house?.close()
  await kubernetes?.close()
})

const soon = (look: () => Promise<unknown>) => vi.waitFor(look, { timeout: 10_000 })

describe.skipIf(!kubernetes)('a provider on Knative that starts again', () => {
  test('every function gets where the stores are, from a Secret; with another password they run anew', async () => {
    await house.deploy('told')
    type Secret = { data: Record<string, string> }
    const secret = async () => (await house.stored(`${SECRETS}/lares-environment`)) as unknown as Secret
    const told = async () =>
      Object.fromEntries(
        Object.entries((await secret()).data).map(([name, value]) => [
          name,
          Buffer.from(value, 'base64').toString(),
        ]),
      )
    expect(await told()).toEqual({
      DATABASE_URL: TOLD.DATABASE_URL,
      S3_SECRET_KEY: 'made-once',
      LARES_MASTER_KEY: (await readFile(join(house.home, 'master.key'), 'utf8')).trim(),
    })
    const before = (await house.service('told'))!
    expect(before.spec.template.spec).toMatchObject({
      containers: [{ envFrom: [{ secretRef: { name: 'lares-environment' } }] }],
    })
    expect(JSON.stringify(before)).not.toContain('made-once')
    expect(await (await house.system('GET', 'secrets')).json()).not.toContainEqual({
      name: 'lares-environment',
    })
    await house.stop()
    await house.start()
    expect((await house.service('told'))!.metadata).toEqual(before.metadata)
    await house.stop()
    await house.start({ ...TOLD, S3_SECRET_KEY: 'another' })
    expect(await told()).toMatchObject({ S3_SECRET_KEY: 'another' })
    await soon(async () =>
      expect((await house.service('told'))!.metadata.generation).toBe(before.metadata.generation + 1),
    )
  })

  test('a Secret of that name that somebody else made is left alone, and the start says so', async () => {
    await house.stop()
    const path = `${SECRETS}/lares-environment`
    await kubernetes!.api('DELETE', path)
    const theirs = { metadata: { name: 'lares-environment' }, data: { theirs: 'eA==' } }
    await kubernetes!.api('POST', SECRETS, theirs)
    await expect(house.start()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('is not one of Lares'),
    })
    expect(await house.stored(path)).toMatchObject({ data: { theirs: 'eA==' } })
    await kubernetes!.api('DELETE', path)
    await house.start()
  })

  test('after a restart everything is found again, and what functions told of themselves too, without waking them', async () => {
    await house.deploy('weather', { image: 'registry.example/lares/weather:2' })
    const before = await house.listed()
    await house.stop()
    house.sleep(true)
    await house.start()
    house.sleep(false)
    expect((await house.listed()).map(({ name }) => name)).toEqual(before.map(({ name }) => name))
    const told = await fetch(`${house.url()}/function/weather/_/manifest`)
    expect(await told.json()).toMatchObject({ name: 'weather', topics: ['lares.skill.weather'] })
  })

  test('a deployment that a stop of the provider cut short ends as it would have ended', async () => {
    const annotations = { 'com.lares.egress': 'none' }
    await house.deploy('cut')
    await house.deploy('grown')
    house.knative.hold(true)
    const asked = [
      house.deploy('cut', { image: 'registry.example/broken:2', annotations }),
      house.deploy('grown', { image: 'registry.example/lares/grown:2' }),
      house.deploy('never', { image: 'registry.example/broken:1', annotations }),
    ].map(one => one.catch(() => undefined))
    const imageOf = async (name: string) =>
      (await house.service(name))?.spec.template.spec.containers?.[0]?.image
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toContain('broken:2')
      expect(await imageOf('grown')).toContain('grown:2')
      expect(await imageOf('never')).toContain('broken:1')
    }, 10_000)
    await house.stop()
    await Promise.all(asked)
    await house.start()
    house.knative.hold(false)
    await vi.waitFor(async () => {
      expect(await imageOf('cut')).toBe('registry.example/lares/cut:1')
      expect(await house.stored(`${POLICIES}/cut-egress`)).toBeUndefined()
      expect(await house.service('never')).toBeUndefined()
      expect(await house.stored(`${POLICIES}/never-egress`)).toBeUndefined()
      const { annotations } = (await house.service('grown'))!.metadata
      expect(annotations!['com.lares.answered']).toBe(annotations!['com.lares.deployment'])
    }, 20_000)
    expect(await imageOf('grown')).toBe('registry.example/lares/grown:2')
  })

  test('what a provider deployed that wrote down nothing of what answered stays, and is written down', async () => {
    await house.deploy('old')
    const answered = async () => (await house.service('old'))?.metadata.annotations?.['com.lares.answered']
    const before = await answered()
    const bare = { metadata: { annotations: { 'com.lares.answered': null } } }
    await house.stop()
    await kubernetes!.api('PATCH', `${SERVICES}/old`, bare, 'application/merge-patch+json')
    expect(await answered()).toBeUndefined()
    await house.start()
    await soon(async () => expect(await answered()).toBe(before))
  })
})
