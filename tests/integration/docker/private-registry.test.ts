import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readDeployment } from '../../../infra/provider/deployment.ts'
import { pinToDigest } from '../../../infra/provider/docker/image-registry.ts'
import { pullImage } from '../../../infra/provider/docker/images.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { startDocker, startRegistry } from '../../support/docker/docker.ts'
import { startOrSkip } from '../../support/npm-program.ts'

const run = promisify(execFile)
const machine = await startOrSkip(startDocker)
afterAll(() => machine?.close(), 60_000)

/** User ann, with the password "in tests". */
const HTPASSWD = 'ann:$2b$05$upOvuIs/T29GOFhrIvEXUe1AP56N71pbaeVg.3KHu4S0JdbjEWSSC'

describe.skipIf(!machine)('a registry that wants a password', () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>
  let folder: string
  let image: string

  beforeAll(async () => {
    registry = await startRegistry(HTPASSWD)
    folder = await mkdtemp(join(tmpdir(), 'lares-docker-config-'))
    vi.stubEnv('DOCKER_CONFIG', folder)
    image = `${registry.address}/lares/private:v1`
    await run('docker', ['tag', machine!.baseImages.base, image])
  }, 60_000)
  afterAll(async () => {
    vi.unstubAllEnvs()
    await run('docker', ['rmi', image]).catch(() => undefined)
    await registry?.close()
    await rm(folder, { recursive: true })
  }, 60_000)

  test('is asked by whom docker login knows: for the image, and for what its name stands for', async () => {
    const docker = new Docker()
    const deployment = readDeployment({ service: 'private', image })
    await run('docker', ['login', '--username', 'ann', '--password', 'in tests', registry.address])
    const { stdout } = await run('docker', ['push', image])
    const [digest] = /sha256:[0-9a-f]{64}/.exec(stdout.split('\n').at(-2)!)!
    await run('docker', ['rmi', image])

    expect(await pinToDigest(image)).toBe(`${registry.address}/lares/private@${digest}`)
    expect(await pullImage(docker, deployment, silentLogger)).toMatch(/^sha256:/)

    await run('docker', ['logout', registry.address])
    await run('docker', ['rmi', image])
    expect(await pinToDigest(image)).toBeUndefined()
    await expect(pullImage(docker, deployment, silentLogger)).rejects.toMatchObject({
      message: expect.stringMatching(
        /private:v1 cannot be pulled: .*(no basic auth|unauthorized|authentication)/,
      ),
    })
  })
})
