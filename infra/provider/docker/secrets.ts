import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secrets } from '../backend.ts'
import { openSecretFiles } from '../fleet/secret-files.ts'

export type MountedSecrets = Secrets & {
  /** A folder with these secrets and no other, for one replica; and with these files under other names. */
  mount(instance: string, names: string[], files?: Record<string, string>): Promise<string>
  /** Removes the folder of a replica that has ended. */
  unmount(instance: string): Promise<void>
}

/**
 * Secrets as a folder for each replica, which its container sees read-only; one that is replaced is new in there too. The
 * user of a container reads them, whichever it is; on this machine only the owner of the folder above can.
 */
export async function openMountedSecrets(folder: string): Promise<MountedSecrets> {
  const files = join(folder, 'secrets')
  const mounts = join(folder, 'mounts')
  const secrets = await openSecretFiles(files)
  await mkdir(mounts, { recursive: true, mode: 0o700 })
  const copy = async (name: string, mount: string, source = join(files, name)) => {
    const temporaryFile = join(mount, `.${name}`)
    await copyFile(source, temporaryFile)
    await chmod(temporaryFile, 0o444)
    await rename(temporaryFile, join(mount, name))
  }
  return {
    list: secrets.list,
    async put(name, value, mode) {
      await secrets.put(name, value, mode)
      for (const replicaId of await readdir(mounts))
        if (existsSync(join(mounts, replicaId, name))) await copy(name, join(mounts, replicaId))
    },
    remove: secrets.remove,
    async mount(replicaId, names, others = {}) {
      const mount = join(mounts, replicaId)
      await mkdir(mount, { recursive: true })
      for (const name of names) await copy(name, mount)
      for (const [name, file] of Object.entries(others)) await copy(name, mount, file)
      return mount
    },
    unmount: replicaId => rm(join(mounts, replicaId), { recursive: true, force: true }),
  }
}
