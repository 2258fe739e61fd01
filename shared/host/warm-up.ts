import { readdir } from 'node:fs/promises'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Environment } from '../config/environment.ts'
import type { HostedFunction } from './host.ts'

/** Starts the function of an image; these values replace those of the environment. */
export type StartFunction = (instead?: Partial<Environment>) => Promise<HostedFunction>

/**
 * Starts a function during its image build, loads all files beside it, and ends the process. A function that cannot
 * start there, for example without a server, only starts slower later. This file imports nothing of the bundle, because
 * the bundle's main file waits for it.
 */
export async function warmUp(start: StartFunction): Promise<void> {
  try {
    const running = await start({ dataDirectory: tmpdir(), port: 0, embeddingModel: 'none' })
    await running.stop()
  } catch (error) {
    process.stderr.write(`it does not start here: ${(error as Error).message}\n`)
  }
  await loadRemainingModules(dirname(process.argv[1]!))
  flushCompileCache()
  process.exit(0)
}

/** Separate programs, beside the files that the bundle loads at first use. */
const ENTRY_FILES = ['main.mjs', 'worker.mjs', 'health.mjs']

/**
 * Loads the store drivers that the function may need where it runs. A driver that cannot be loaded here only loads
 * slower later.
 */
async function loadRemainingModules(folder: string): Promise<void> {
  for (const file of await readdir(folder))
    if (file.endsWith('.mjs') && !ENTRY_FILES.includes(file))
      await import(pathToFileURL(join(folder, file)).href).catch(() => undefined)
}
