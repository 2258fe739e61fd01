import { readdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readEnvironment } from '../config/environment.ts'
import { toLaresError } from '../errors.ts'
import { runProcess } from '../process.ts'
import { hostDefinition } from './host.ts'
import { functionFrom } from './plugin.ts'

/**
 * What an image runs (main.mjs of template/node24/bundler): the function on PORT. With `--warm-up`, while the image is
 * built, it starts once and ends, so that its code lies compiled in NODE_COMPILE_CACHE.
 */
export async function runBundled(load: () => Promise<{ default?: unknown }>): Promise<void> {
  if (process.argv.includes('--warm-up')) return await warmUp(load)
  await runProcess(
    async () => (await hostDefinition(await handlerOf(load), readEnvironment(process.env))).stop,
  )
}

/** What fails while it is loaded is told in one line, as Node would print the whole of a bundle's. */
const handlerOf = async (load: () => Promise<{ default?: unknown }>) =>
  functionFrom((await load()).default, 'handler')

/** An image whose function cannot start where it is built, as for want of a server, only starts slower later. */
async function warmUp(load: () => Promise<{ default?: unknown }>): Promise<void> {
  try {
    const definition = await handlerOf(load)
    const environment = { ...readEnvironment(process.env), home: tmpdir(), port: 0, embeddingModel: 'none' }
    const running = await hostDefinition(definition, environment)
    await running.stop()
  } catch (error) {
    process.stderr.write(`it does not start here: ${toLaresError(error).message}\n`)
  }
  await loadRest(dirname(process.argv[1]!))
  flushCompileCache()
  process.exit(0)
}

/** Programs of their own, which lie beside what the bundle loads at first use. */
const PROGRAMS = ['main.mjs', 'worker.mjs', 'health.mjs']

/** Drivers of the stores that the function may meet where it runs; one that cannot be loaded here only loads slower later. */
async function loadRest(folder: string): Promise<void> {
  for (const file of readdirSync(folder))
    if (file.endsWith('.mjs') && !PROGRAMS.includes(file))
      await import(pathToFileURL(join(folder, file)).href).catch(() => undefined)
}
