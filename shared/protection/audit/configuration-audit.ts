import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Records } from '../../store/store.ts'
import type { Audit } from './audit.ts'

const CONFIGURATION_COLLECTION = 'configuration'

/** Records the configuration files whose checksums changed since the last call. */
export async function recordConfigurationChanges(
  directory: string,
  { audit, documents }: { audit: Audit; documents: Records },
): Promise<void> {
  const files = await checksumFiles(directory)
  const recorded = await documents.list({ collection: CONFIGURATION_COLLECTION, person: '', limit: 1_000 })
  const removed = recorded
    .filter(({ id, body }) => body !== REMOVED && !files.has(id))
    .map(({ id }) => [id, REMOVED] as const)
  for (const [file, sha256] of [...files, ...removed]) {
    if (recorded.find(({ id }) => id === file)?.body === sha256) continue
    await audit.record({ action: 'configuration-changed', by: 'operator', about: { file, sha256 } })
    const createdAt = new Date().toISOString()
    await documents.put(CONFIGURATION_COLLECTION, { id: file, person: '', text: '', body: sha256, createdAt })
  }
}

const REMOVED = 'gone'

async function checksumFiles(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(error => {
    // Without a directory there are no configuration files, and the defaults apply.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const names = entries.filter(entry => entry.isFile()).map(({ name }) => name)
  const checksums = names.map(async name => {
    const content = await readFile(join(directory, name))
    return [name, createHash('sha256').update(content).digest('hex')] as const
  })
  return new Map(await Promise.all(checksums))
}
