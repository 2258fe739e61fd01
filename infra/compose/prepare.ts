import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../shared/config/environment.ts'
import { generateSecret, writeIfAbsent } from '../setup/generated-secret.ts'

/** Passwords of the stores. Only Lares uses them, so it generates them. */
const STORE_SECRETS = ['POSTGRES_PASSWORD', 'QDRANT_API_KEY', 'S3_SECRET_KEY']

export type ComposeInputs = {
  /** Made once, readable for its owner alone: the passwords of the stores. What else is written into it stays. */
  envFile: string
  /** The other variables that compose.yaml requires. */
  variables: Record<string, string>
}

/**
 * Makes what compose.yaml has no default for: folders that containers share with this machine under the same paths, the
 * passwords of the stores and of the provider, and the token of the gateway. What is there already stays.
 */
export async function prepareCompose({
  dataDirectory,
  configDirectory,
  token,
}: Environment): Promise<ComposeInputs> {
  for (const folder of [dataDirectory, join(dataDirectory, 'cache'), join(dataDirectory, 'provider')])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeIfAbsent(join(dataDirectory, 'provider', 'password'), generateSecret())
  // Where the lares command on this machine looks for it.
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
      // So that what the containers write belongs to whoever runs them.
      LARES_USER: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
    },
  }
}
