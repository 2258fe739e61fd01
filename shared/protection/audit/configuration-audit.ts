import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Documents } from '../../store/store.ts'
import type { Audit } from './audit.ts'

const COLLECTION = 'configuration'

/** Records which files of the configuration are not what they were when this was last asked: by their checksums. */
export async function recordConfiguration(
  directory: string,
  { audit, documents }: { audit: Audit; documents: Documents },
): Promise<void> {
  const files = await filesIn(directory)
  const known = await documents.list({ collection: COLLECTION, person: '', limit: 1_000 })
  const gone = known
    .filter(({ id, body }) => body !== GONE && !files.has(id))
    .map(({ id }) => [id, GONE] as const)
  for (const [file, sha256] of [...files, ...gone]) {
    if (known.find(({ id }) => id === file)?.body === sha256) continue
    await audit.record({ action: 'configuration-changed', by: 'operator', about: { file, sha256 } })
    const createdAt = new Date().toISOString()
    await documents.put(COLLECTION, { id: file, person: '', text: '', body: sha256, createdAt })
  }
}

const GONE = 'gone'

async function filesIn(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(error => {
    // Without a directory everything is as it comes.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const names = entries.filter(entry => entry.isFile()).map(({ name }) => name)
  const sums = names.map(async name => {
    const content = await readFile(join(directory, name))
    return [name, createHash('sha256').update(content).digest('hex')] as const
  })
  return new Map(await Promise.all(sums))
}
