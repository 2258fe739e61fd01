import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { useDockerConfig } from './docker-config.fixture.ts'
import { pinToDigest } from './image-registry.ts'

const DIGEST = `sha256:${'0f'.repeat(32)}`
let close: (() => void) | undefined
afterEach(() => close?.())
const config = useDockerConfig()

async function startRegistry(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  close = () => void server.close()
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a name is pinned to what its registry has under it', async () => {
  const asked: unknown[] = []
  const host = await startRegistry((request, response) => {
    asked.push([request.method, request.url])
    response.setHeader('docker-content-digest', DIGEST).end()
  })
  expect(await pinToDigest(`${host}/lares/time`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(await pinToDigest(`${host}/lares/time:v2`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(await pinToDigest(`${host}/lares/time@${DIGEST}`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(asked).toEqual([
    ['HEAD', '/v2/lares/time/manifests/latest'],
    ['HEAD', '/v2/lares/time/manifests/v2'],
  ])
})

/** A registry that gives a token for the name and password, or to any client, and the digest for the token. */
const withTokens =
  (credentials: string | undefined): RequestListener =>
  (request, response) => {
    const { authorization } = request.headers
    if (request.url!.startsWith('/token?')) {
      const isKnown =
        authorization === (credentials && `Basic ${Buffer.from(credentials).toString('base64')}`)
      return void response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{"token":"yours"}' : '{}')
    }
    if (authorization === 'Bearer yours')
      return void response.setHeader('docker-content-digest', DIGEST).end()
    const challenge = `Bearer realm="http://${request.headers.host}/token",service="here",scope="pull"`
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  }

test('a registry that wants a token gets the one that anybody may have', async () => {
  const host = await startRegistry(withTokens(undefined))
  expect(await pinToDigest(`${host}/lares/time:v2`)).toBe(`${host}/lares/time@${DIGEST}`)
})

test('where nobody in particular may have one, it is asked for by whom docker login knows', async () => {
  const host = await startRegistry(withTokens('ann:pass:word'))
  expect(await pinToDigest(`${host}/lares/time:v2`)).toBeUndefined()
  await config.login({ [host]: 'ann:pass:word' })
  expect(await pinToDigest(`${host}/lares/time:v2`)).toBe(`${host}/lares/time@${DIGEST}`)
})

test('where the registry does not say, nothing is known', async () => {
  const host = await startRegistry((request, response) => {
    const [, status] = /(\d+)$/.exec(request.url!) ?? []
    response.writeHead(Number(status), { 'www-authenticate': 'Basic realm="here"' }).end()
  })
  for (const status of [200, 401, 404, 500])
    expect(await pinToDigest(`${host}/lares/time:${status}`)).toBeUndefined()
  expect(await pinToDigest('127.0.0.1:9/lares/time')).toBeUndefined()
})
