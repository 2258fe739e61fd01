import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'

/** Creates a folder for DOCKER_CONFIG in each test of the file. Returns functions that write its config.json. */
export function useDockerConfig() {
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
  return {
    write,
    /**
     * Writes the file as `docker login` does: `name:password` by the address of each registry; undefined means that a
     * credential helper has the password.
     */
    login: (credentials: Record<string, string | undefined>) => {
      const auths = Object.entries(credentials).map(([address, text]) => [
        address,
        text === undefined ? {} : { auth: Buffer.from(text).toString('base64') },
      ])
      return write(JSON.stringify({ auths: Object.fromEntries(auths) }))
    },
  }
}
