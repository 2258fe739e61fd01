import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders outside the repository: packages, data, caches. */
const isOutside = (name: string) => name.startsWith('.') || name === 'node_modules'

/** Paths of the repository's files with one of these endings, relative to its root, without hidden folders. */
export async function listRepositoryFiles(...endings: string[]): Promise<string[]> {
  return await listFiles('', path => endings.some(ending => path.endsWith(ending)))
}

async function listFiles(folder: string, isWanted: (path: string) => boolean): Promise<string[]> {
  const entries = await readdir(join('.', folder), { withFileTypes: true })
  const nested = entries
    .filter(({ name }) => !isOutside(name))
    .map(async entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return await listFiles(path, isWanted)
      return entry.isFile() && isWanted(path) ? [path] : []
    })
  return (await Promise.all(nested)).flat()
}
