import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { readEnvironment } from '../config/environment.ts'
import { toLaresError } from '../errors.ts'
import { runProcess } from '../process.ts'
import { hostDefinition } from './host.ts'
import { functionFrom } from './plugin.ts'

/**
 * What an image's one file runs (template/node24/main.mjs): the function on PORT. With `--warm-up`, while the image is
 * built, it starts once and ends, so that the code that a start needs lies compiled in NODE_COMPILE_CACHE.
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
  flushCompileCache()
  process.exit(0)
}
