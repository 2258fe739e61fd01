import { readEnvironment } from '../config/environment.ts'
import { functionFromExport } from '../contract/plugin.ts'
import { hostFunction } from './host.ts'
import { runProcess } from './process.ts'
import type { StartFunction } from './warm-up.ts'

/**
 * What an image runs (main.mjs of template/node24/bundler): the function on PORT. With `--warm-up`, while the image is
 * built, it starts once and ends, so that its code lies compiled in NODE_COMPILE_CACHE.
 */
export async function runBundled(load: () => Promise<{ default?: unknown }>): Promise<void> {
  // Reports a load error in one line, because Node would print the whole of a bundle's.
  const start: StartFunction = async overrides =>
    hostFunction(functionFromExport((await load()).default, 'handler'), {
      ...readEnvironment(process.env),
      ...overrides,
    })
  if (process.argv.includes('--warm-up')) return await (await import('./warm-up.ts')).warmUp(start)
  await runProcess(async () => (await start()).stop)
}
