import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secrets } from '../backend.ts'
import { checkSecretName } from '../deployment.ts'
import { existingSecretError, missingSecretError } from '../secret-errors.ts'

/** Secrets as files that only their owner may read, as OpenFaaS gives them to functions. */
export async function openSecretFiles(folder: string): Promise<Secrets> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const list = async () => (await readdir(folder)).filter(name => !name.startsWith('.')).sort()
  const requireExisting = async (name: string) => {
    checkSecretName(name)
    if (!(await list()).includes(name)) throw missingSecretError(name)
  }
  return {
    list,
    async put(name, value, mode) {
      if (mode === 'replace') await requireExisting(name)
      checkSecretName(name)
      // Functions may read the file at the same time. The rename makes it appear whole, or change from the old value to
      // the new one.
      const temporaryFile = join(folder, `.${name}-${randomUUID()}`)
      await writeFile(temporaryFile, value, { mode: 0o600 })
      if (mode === 'replace') return await rename(temporaryFile, join(folder, name))
      await link(temporaryFile, join(folder, name))
        .catch(cause => {
          throw cause.code === 'EEXIST' ? existingSecretError(name) : cause
        })
        .finally(() => rm(temporaryFile))
    },
    async remove(name) {
      await requireExisting(name)
      await rm(join(folder, name))
    },
  }
}
