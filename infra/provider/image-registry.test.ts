import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { imageNameOf, pinned } from './image-registry.ts'

const DIGEST = `sha256:${'0f'.repeat(32)}`
let close: (() => void) | undefined
afterEach(() => close?.())

async function registry(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  close = () => void server.close()
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the parts of a name, with what Docker takes for those that are missing', () => {
  const hub = 'registry-1.docker.io'
  for (const [image, parts] of [
    ['redis', [hub, 'library/redis', 'latest', undefined]],
    ['bitnami/redis:7.2', [hub, 'bitnami/redis', '7.2', undefined]],
    ['docker.io/bitnami/redis', [hub, 'bitnami/redis', 'latest', undefined]],
    ['127.0.0.1:5000/lares/time:latest', ['127.0.0.1:5000', 'lares/time', 'latest', undefined]],
    ['localhost/time', ['localhost', 'time', 'latest', undefined]],
    [`ghcr.io/a/b/c:v1@${DIGEST}`, ['ghcr.io', 'a/b/c', 'v1', DIGEST]],
  ] as const) {
    const { registry, repository, tag, digest } = imageNameOf(image)
    expect([registry, repository, tag, digest]).toEqual(parts)
  }
})

test('a name is pinned to what its registry has under it', async () => {
  const asked: unknown[] = []
  const host = await registry((request, response) => {
    asked.push([request.method, request.url])
    response.setHeader('docker-content-digest', DIGEST).end()
  })
  expect(await pinned(`${host}/lares/time`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(await pinned(`${host}/lares/time:v2`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(await pinned(`${host}/lares/time@${DIGEST}`)).toBe(`${host}/lares/time@${DIGEST}`)
  expect(asked).toEqual([
    ['HEAD', '/v2/lares/time/manifests/latest'],
    ['HEAD', '/v2/lares/time/manifests/v2'],
  ])
})

test('a registry that wants a token gets the one that anybody may have', async () => {
  const host = await registry((request, response) => {
    if (request.url!.startsWith('/token?')) return void response.end('{"token":"for-anybody"}')
    if (request.headers.authorization === 'Bearer for-anybody')
      return void response.setHeader('docker-content-digest', DIGEST).end()
    const challenge = `Bearer realm="http://${request.headers.host}/token",service="here",scope="pull"`
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  expect(await pinned(`${host}/lares/time:v2`)).toBe(`${host}/lares/time@${DIGEST}`)
})

test('where the registry does not say, nothing is known', async () => {
  const host = await registry((request, response) => {
    const [, status] = /(\d+)$/.exec(request.url!) ?? []
    response.writeHead(Number(status), { 'www-authenticate': 'Basic realm="here"' }).end()
  })
  for (const status of [200, 401, 404, 500])
    expect(await pinned(`${host}/lares/time:${status}`)).toBeUndefined()
  expect(await pinned('127.0.0.1:9/lares/time')).toBeUndefined()
})
