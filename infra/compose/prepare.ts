import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../shared/config/environment.ts'
import { generateSecret, writeIfAbsent } from '../setup/generated-secret.ts'

/** Passwords of the stores. Only Lares uses them, so it generates them. */
const STORE_SECRETS = ['POSTGRES_PASSWORD', 'QDRANT_API_KEY', 'S3_SECRET_KEY']

export type ComposeInputs = {
  /**
   * A file with the passwords of the stores. Created once, readable only by its owner. Other content of the file stays.
   */
  envFile: string
  /** The other variables that compose.yaml requires. */
  variables: Record<string, string>
}

/**
 * Creates everything that compose.yaml requires and has no default for: folders, passwords and a token. Containers
 * share the folders with this machine under the same paths. The passwords are those of the stores and of the provider;
 * the token is the gateway's. It keeps existing ones.
 */
export async function prepareCompose({
  dataDirectory,
  configDirectory,
  token,
}: Environment): Promise<ComposeInputs> {
  for (const folder of [dataDirectory, join(dataDirectory, 'cache'), join(dataDirectory, 'provider')])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeIfAbsent(join(dataDirectory, 'provider', 'password'), generateSecret())
  // The lares command on this machine looks for the token here.
  const tokenFile = join(dataDirectory, 'token')
  await writeIfAbsent(tokenFile, generateSecret())
  const envFile = join(dataDirectory, 'compose.env')
  await writeIfAbsent(envFile, STORE_SECRETS.map(name => `${name}=${generateSecret()}\n`).join(''))
  return {
    envFile,
    variables: {
      LARES_HOME: dataDirectory,
      LARES_CONFIG: configDirectory,
      LARES_TOKEN: token ?? (await readFile(tokenFile, 'utf8')).trim(),
      // Files that the containers write thus belong to the user who runs them.
      LARES_USER: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
    },
  }
}
