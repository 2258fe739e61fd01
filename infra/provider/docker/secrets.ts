import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secrets } from '../backend.ts'
import { openSecretFiles } from '../fleet/secret-files.ts'

export type MountedSecrets = Secrets & {
  /** Creates a folder with exactly these secrets for one replica, and with these files under other names. */
  mount(instance: string, names: string[], files?: Record<string, string>): Promise<string>
  /** Removes the folder of a replica that has ended. */
  unmount(instance: string): Promise<void>
}

/**
 * Keeps a folder of secrets for each replica, and its container sees the folder read-only. Replacing a secret updates
 * the folders too. Any user of a container can read them; on this machine only the owner of the parent folder can.
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
