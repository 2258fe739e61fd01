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
export async function runBundled(exported: unknown): Promise<void> {
  if (process.argv.includes('--warm-up')) return await warmUp(exported)
  await runProcess(
    async () => (await hostDefinition(functionFrom(exported, 'handler'), readEnvironment(process.env))).stop,
  )
}

/** An image whose function cannot start where it is built, as for want of a server, only starts slower later. */
async function warmUp(exported: unknown): Promise<void> {
  const definition = functionFrom(exported, 'handler')
  try {
    const environment = { ...readEnvironment(process.env), home: tmpdir(), port: 0, embeddingModel: 'none' }
    const running = await hostDefinition(definition, environment)
    await running.stop()
  } catch (error) {
    process.stderr.write(`${definition.name} does not start here: ${toLaresError(error).message}\n`)
  }
  flushCompileCache()
  process.exit(0)
}
