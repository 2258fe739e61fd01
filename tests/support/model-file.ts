import { homedir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../shared/base/log.ts'
import { ensureModelFile } from '../../shared/models/llama/model-file.ts'

const cache =
  process.env.LARES_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lares')

/**
 * The built-in model, from the cache of this machine. Undefined when it is not available, which CI counts as a failure.
 */
export async function builtInModel(): Promise<string | undefined> {
  try {
    return await ensureModelFile({ cacheDir: join(cache, 'models'), log: silentLogger })
  } catch (error) {
    if (process.env.LARES_CI) throw error
    return undefined
  }
}
