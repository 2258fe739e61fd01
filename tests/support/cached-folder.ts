import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readEnvironment } from '../../shared/config/environment.ts'

/**
 * The folder `name` below the cache, filled at the first use. The function fills a temporary folder and renames it, so
 * an interrupted or a concurrent run leaves no partial result. Errors: those of `fill`.
 */
export async function cachedFolder(name: string, fill: (draft: string) => Promise<unknown>): Promise<string> {
  const { cacheDirectory } = readEnvironment(process.env)
  const folder = join(cacheDirectory, name)
  if (existsSync(folder)) return folder
  await mkdir(cacheDirectory, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    await fill(draft)
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
