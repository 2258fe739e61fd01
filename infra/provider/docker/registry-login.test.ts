import { expect, test } from 'vitest'
import { useDockerConfig } from './docker-config.fixture.ts'
import { loginFor } from './registry-login.ts'

const config = useDockerConfig()

test('each registry gets its own name and password, and the hub the ones that are kept under its old address', async () => {
  const hub = 'https://index.docker.io/v1/'
  await config.login({ [hub]: 'ann:a', 'here:5000': 'bob:with:colons', 'ghcr.io': undefined })
  expect(await loginFor('ann/time:v1')).toEqual({ username: 'ann', password: 'a', serveraddress: hub })
  expect(await loginFor('here:5000/lares/time')).toEqual({
    username: 'bob',
    password: 'with:colons',
    serveraddress: 'here:5000',
  })
  // A credential helper has this password.
  expect(await loginFor('ghcr.io/ann/time')).toBeUndefined()
  expect(await loginFor('elsewhere:5000/lares/time')).toBeUndefined()
})

test('no file is nobody in particular, and another file is told of', async () => {
  expect(await loginFor('ann/time')).toBeUndefined()
  for (const text of ['{', '{"auths": []}', '{"auths": {"here": "ann"}}']) {
    await config.write(text)
    await expect(loginFor('ann/time')).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/config\.json is not what docker login writes/),
    })
  }
})
