import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Moves a complete and synced file to its path. Readers see the old file or the new one, also after power loss. */
export async function renameDurably(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** Writes a new file. `mode` holds the permissions, as in `chmod`. Errors: `EEXIST`. */
export async function writeAndSync(path: string, data: Buffer | string, mode = 0o666): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Creates a folder. A new folder is durable once its parent folder is synced. */
export async function makeFolderDurably(folder: string): Promise<void> {
  const firstCreated = await mkdir(folder, { recursive: true })
  if (firstCreated === undefined) return
  for (let made = folder; made.length >= firstCreated.length; made = dirname(made))
    await syncFolder(dirname(made))
}

/**
 * Makes renames in a folder durable by syncing it. Systems without this sync (Windows) make renames durable by
 * themselves.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
