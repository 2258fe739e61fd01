import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../shared/log.ts'
import { buildProvider } from './app.ts'
import { startAutoscaler } from './autoscaler.ts'
import type { Backend, DeployedFunction } from './backend.ts'
import { openFleet } from './fleet.ts'
import { nodeLabels } from './nodes.ts'
import { openProcessDriver } from './process.ts'
import { openStore } from './store.ts'

const HOST = '127.0.0.1'

export type ProviderOptions = {
  backend: 'process'
  port: number
  /** The data directory; the provider's own is `provider` in it. */
  home: string
  /** The checkout whose handlers are run. */
  root: string
  password?: string
  labels: Map<string, string>
  spares: number
  environment: NodeJS.ProcessEnv
  version: string
  log: Log
  lagOf?: (one: DeployedFunction) => Promise<number | undefined>
}

export type StartedProvider = {
  url: string
  backend: Backend
  close(options: { stopFunctions: boolean }): Promise<void>
}

/** Opens the backend, finds again what runs, and serves. Errors: `invalid_config`, `unavailable`. */
export async function startProvider(options: ProviderOptions): Promise<StartedProvider> {
  const { log, home } = options
  const folder = join(home, 'provider')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = openStore(join(folder, 'provider.db'))
  const password = options.password ?? (await madePassword(folder))
  const labels = nodeLabels(options.labels)
  const driver = await openProcessDriver({ ...options, folder, labels })
  const backend = await openFleet({ driver, store, log })
  const provider = await buildProvider({ backend, store, password, version: options.version, log })
  const autoscaler = startAutoscaler({ backend, log, ...(options.lagOf && { lagOf: options.lagOf }) })
  const url = await provider.listen(HOST, options.port)
  return {
    url,
    backend,
    async close(how) {
      await autoscaler.close()
      await provider.close()
      await backend.close(how)
      store.close()
    },
  }
}

/** Where no password is given there is one all the same, made once, that only the owner of the data can read. */
async function madePassword(folder: string): Promise<string> {
  const file = join(folder, 'password')
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const password = randomBytes(18).toString('base64url')
    await writeFile(file, password, { mode: 0o600 })
    return password
  }
}
