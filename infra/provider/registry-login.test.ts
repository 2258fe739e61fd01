import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loginFor } from './registry-login.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-docker-config-'))
  vi.stubEnv('DOCKER_CONFIG', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const write = (text: string) => writeFile(join(folder, 'config.json'), text)
const authOf = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

test('each registry gets its own name and password, and the hub the ones that are kept under its old address', async () => {
  const hub = 'https://index.docker.io/v1/'
  await write(
    JSON.stringify({
      auths: { [hub]: authOf('ann:a'), 'here:5000': authOf('bob:with:colons'), 'ghcr.io': {} },
    }),
  )
  expect(await loginFor('ann/time:v1')).toEqual({ username: 'ann', password: 'a', serveraddress: hub })
  expect(await loginFor('here:5000/lares/time')).toEqual({
    username: 'bob',
    password: 'with:colons',
    serveraddress: 'here:5000',
  })
  // In a credential helper.
  expect(await loginFor('ghcr.io/ann/time')).toBeUndefined()
  expect(await loginFor('elsewhere:5000/lares/time')).toBeUndefined()
})

test('no file is nobody in particular, and another file is told of', async () => {
  expect(await loginFor('ann/time')).toBeUndefined()
  for (const text of ['{', '{"auths": []}', '{"auths": {"here": "ann"}}']) {
    await write(text)
    await expect(loginFor('ann/time')).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/config\.json is not what docker login writes/),
    })
  }
})
