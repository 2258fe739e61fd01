import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LaresError } from '../errors.ts'
import { isObjectKey, type Objects } from './objects.ts'

/** Objects as files below `folder`. A file is written beside its place, synced, and then renamed into it. */
export function openFolderObjects(folder: string): Objects {
  const pathOf = (key: string) => {
    if (!isObjectKey(key)) throw new LaresError('invalid_request', `"${key}" is no object key`)
    return join(folder, key)
  }
  return {
    async put(key, data) {
      const path = pathOf(key)
      await writeDurably(path, data).catch(cause => {
        throw new LaresError(
          'unavailable',
          `the object "${key}" cannot be written below ${folder}: ${cause.message}`,
          { cause },
        )
      })
    },
    async get(key) {
      const path = pathOf(key)
      return await readFile(path).catch(cause => {
        if (ABSENT.has(cause.code))
          throw new LaresError('not_found', `there is no object "${key}"`, { cause })
        throw new LaresError('unavailable', `the object "${key}" cannot be read: ${cause.message}`, { cause })
      })
    },
    async delete(key) {
      await rm(pathOf(key), { force: true }).catch(cause => {
        if (ABSENT.has(cause.code)) return
        throw new LaresError('unavailable', `the object "${key}" cannot be deleted: ${cause.message}`, {
          cause,
        })
      })
    },
    async check() {
      await mkdir(folder, { recursive: true })
        .then(() => access(folder, constants.W_OK))
        .catch(cause => {
          throw new LaresError(
            'unavailable',
            `the object folder ${folder} cannot be written: ${cause.message}; set LARES_HOME to a folder that can`,
            { cause },
          )
        })
    },
  }
}

/** No file, a folder in its place, or a file where its folder would be. */
const ABSENT = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ERR_FS_EISDIR'])

async function writeDurably(path: string, data: Buffer): Promise<void> {
  await makeFolder(dirname(path))
  const temporary = `${path}.${randomUUID()}.part`
  try {
    await writeSynced(temporary, data)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function writeSynced(path: string, data: Buffer): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A new folder is durable once the one above it is synced. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** A rename is durable once its folder is synced; systems without that (Windows) do it by themselves. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
