import { expect, test } from 'vitest'
import { parseImageName } from './image-name.ts'

const DIGEST = `sha256:${'0f'.repeat(32)}`

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
    const { registry, repository, tag, digest } = parseImageName(image)
    expect([registry, repository, tag, digest]).toEqual(parts)
  }
})
