import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readEnvironment } from '../../shared/config/environment.ts'
import { runPython } from '../../shared/models/python.ts'

/** The folder below the cache with a package of Python (`name==version`), installed at the first use. Errors: `unavailable`. */
export async function pythonPart(name: string, requirement: string): Promise<string> {
  const { cache } = readEnvironment(process.env)
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    await runPython(['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', draft, requirement])
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
