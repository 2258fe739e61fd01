import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { DOCKER_HUB, parseImageName } from '../image-name.ts'

export type RegistryLogin = { username: string; password: string; serveraddress: string }

const dockerConfigSchema = z.looseObject({
  auths: z.record(z.string(), z.looseObject({ auth: z.string().optional() })).optional(),
})

/** The key under which `docker login` stores the account of Docker Hub. */
const DOCKER_HUB_AUTH_KEY = 'https://index.docker.io/v1/'

/**
 * The account for the registry of an image, from the file of `docker login` (in DOCKER_CONFIG, else ~/.docker).
 * Undefined without an account. It does not ask credential helpers. Errors: `invalid_config` for a file in another
 * format.
 */
export async function loginFor(image: string): Promise<RegistryLogin | undefined> {
  const { registry } = parseImageName(image)
  const serveraddress = registry === DOCKER_HUB ? DOCKER_HUB_AUTH_KEY : registry
  const auth = (await readAuths(process.env.DOCKER_CONFIG || join(homedir(), '.docker')))?.[serveraddress]
    ?.auth
  if (!auth) return undefined
  const [username = '', ...password] = Buffer.from(auth, 'base64').toString().split(':')
  return { username, password: password.join(':'), serveraddress }
}

async function readAuths(folder: string) {
  const file = join(folder, 'config.json')
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    return dockerConfigSchema.parse(JSON.parse(text)).auths
  } catch (cause) {
    throw new LaresError(
      'invalid_config',
      `${file} is not what docker login writes: move it away, and log in anew`,
      { cause },
    )
  }
}
