import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Secrets } from '../backend.ts'
import { checkSecretName } from '../deployment.ts'

/** Secrets as files that only their owner may read, as OpenFaaS gives them to functions. */
export async function openSecretFiles(folder: string): Promise<Secrets> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const list = async () => (await readdir(folder)).filter(name => !name.startsWith('.')).sort()
  const requireExisting = async (name: string) => {
    checkSecretName(name)
    if (!(await list()).includes(name))
      throw new LaresError('not_found', `no secret "${name}"; faas-cli secret create makes one`)
  }
  return {
    list,
    async put(name, value, mode) {
      if (mode === 'replace') await requireExisting(name)
      checkSecretName(name)
      // A function that reads it meanwhile sees the old one or the new one.
      const temporaryFile = join(folder, `.${name}`)
      await writeFile(temporaryFile, value, { mode: 0o600 })
      await rename(temporaryFile, join(folder, name))
    },
    async remove(name) {
      await requireExisting(name)
      await rm(join(folder, name))
    },
  }
}
