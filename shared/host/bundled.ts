import { readEnvironment } from '../config/environment.ts'
import { functionFromExport } from '../contract/plugin.ts'
import { hostFunction } from './host.ts'
import { runProcess } from './process.ts'
import type { StartFunction } from './warm-up.ts'

/**
 * Runs an image's function on PORT (main.mjs of template/node24/bundler). The image build passes `--warm-up`: the
 * function then starts once and ends, so that its compiled code is in NODE_COMPILE_CACHE.
 */
export async function runBundled(load: () => Promise<{ default?: unknown }>): Promise<void> {
  // Reports a load error in one line, because Node would print the bundle's whole source line.
  const start: StartFunction = async overrides =>
    hostFunction(functionFromExport((await load()).default, 'handler'), {
      ...readEnvironment(process.env),
      ...overrides,
    })
  if (process.argv.includes('--warm-up')) return await (await import('./warm-up.ts')).warmUp(start)
  await runProcess(async () => (await start()).stop)
}
