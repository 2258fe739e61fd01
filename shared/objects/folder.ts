import { randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, copyFile, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { makeFolderDurably, renameDurably, writeAndSync } from '../base/durable-file.ts'
import { LaresError } from '../base/errors.ts'
import { type ContentMetadata, receiveToFile } from './bounded-stream.ts'
import { verifyChecksum } from './checksum.ts'
import { openMetadataFiles } from './folder-metadata.ts'
import { isObjectKey, type ObjectStore } from './objects.ts'

/** The file is missing, a folder is in its place, or a file is where its folder would be. */
const NOT_FOUND_CODES = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ERR_FS_EISDIR'])

/**
 * Objects as files below `folder`. A file is written beside its final path, synced, and then renamed into place. Cold
 * files are moved to the same path below `coldFolder`, which may be on a slower disk.
 */
export function openFolderObjects(folder: string, coldFolder?: string): ObjectStore {
  const metadataFiles = openMetadataFiles(folder)
  const pathOf = (key: string, below = folder) => {
    if (!isObjectKey(key)) throw new LaresError('invalid_request', `"${key}" is no object key`)
    return join(below, key)
  }
  const throwUnavailable =
    (key: string, what: string) =>
    (cause: Error & { code?: string }): never => {
      if (cause instanceof LaresError) throw cause
      throw new LaresError('unavailable', `the object "${key}" cannot be ${what}: ${cause.message}`, {
        cause,
      })
    }
  /** The object's current path, or undefined. The warm path comes first: an object that is being moved is at both. */
  const locate = async (key: string) => {
    for (const [below, cold] of [[folder, false] as const, [coldFolder, true] as const]) {
      if (below === undefined) continue
      const path = pathOf(key, below)
      const found = await stat(path).catch(error => {
        if (NOT_FOUND_CODES.has(error.code)) return undefined
        throw error
      })
      if (found?.isFile()) return { path, cold, modifiedMs: found.mtimeMs }
    }
    return undefined
  }
  const requireObject = async (key: string) => {
    const found = await locate(key).catch(throwUnavailable(key, 'read'))
    if (!found) throw new LaresError('not_found', `there is no object "${key}"`)
    return found
  }
  const replaceFile = async (key: string, fill: (temporary: string) => Promise<unknown>) => {
    const path = pathOf(key)
    await makeFolderDurably(dirname(path))
    const temporary = `${path}.${randomUUID()}.part`
    await fill(temporary)
    await renameDurably(temporary, path)
    if (coldFolder) await rm(pathOf(key, coldFolder), { force: true })
    return path
  }
  const store: ObjectStore = {
    async put(key, data) {
      await replaceFile(key, temporary => writeAndSync(temporary, data)).catch(
        throwUnavailable(key, `written below ${folder}`),
      )
    },
    async get(key) {
      const { path } = await requireObject(key)
      return await readFile(path).catch(throwUnavailable(key, 'read'))
    },
    async delete(key) {
      const ignoreNotFound = (cause: Error & { code?: string }) => {
        if (!NOT_FOUND_CODES.has(cause.code ?? '')) throwUnavailable(key, 'deleted')(cause)
      }
      for (const below of [folder, coldFolder])
        if (below !== undefined) await rm(pathOf(key, below), { force: true }).catch(ignoreNotFound)
      await metadataFiles.forget(key).catch(ignoreNotFound)
    },
    async write(key, data, declared) {
      try {
        let received: ContentMetadata | undefined
        let version = ''
        await replaceFile(key, async temporary => {
          received = await receiveToFile(temporary, data, declared)
          version = await metadataFiles.versionOf(temporary)
        })
        await metadataFiles.keep(key, version, received!)
        return { ...received!, cold: false }
      } catch (error) {
        return throwUnavailable(key, `written below ${folder}`)(error as Error)
      }
    },
    async read(key) {
      const { path, cold } = await requireObject(key)
      const handle = await open(path).catch(throwUnavailable(key, 'read'))
      const known = await metadataFiles.of(key, path).catch(throwUnavailable(key, 'read'))
      const { bytes, sha256, mediaType } = known
      const source = createReadStream('', { fd: handle })
      return { metadata: { bytes, sha256, mediaType, cold }, data: verifyChecksum(source, key, sha256) }
    },
    async metadata(key) {
      const found = await locate(key).catch(throwUnavailable(key, 'read'))
      if (!found) return undefined
      const { bytes, sha256, mediaType } = await metadataFiles
        .of(key, found.path)
        .catch(throwUnavailable(key, 'read'))
      return { bytes, sha256, mediaType, cold: found.cold }
    },
    async *list(prefix) {
      const keys = new Set<string>()
      for (const below of [folder, coldFolder]) if (below !== undefined) await collectKeys(below, keys)
      yield* [...keys].filter(key => key.startsWith(prefix)).sort()
    },
    link: async () => undefined,
    async archive(beforeMs) {
      if (coldFolder === undefined) return 0
      let moved = 0
      for await (const key of store.list('')) {
        const found = await locate(key)
        if (!found || found.cold || found.modifiedMs >= beforeMs) continue
        const received = await metadataFiles.of(key, found.path)
        const cold = await copyDurably(found.path, pathOf(key, coldFolder))
        await metadataFiles.keep(key, await metadataFiles.versionOf(cold), received)
        await rm(found.path)
        moved++
      }
      return moved
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
  return store
}

async function copyDurably(from: string, to: string): Promise<string> {
  await makeFolderDurably(dirname(to))
  const temporary = `${to}.${randomUUID()}.part`
  await copyFile(from, temporary)
  const handle = await open(temporary)
  await handle.sync().finally(() => handle.close())
  await renameDurably(temporary, to)
  return to
}

const TEMPORARY_FILE = /\.[0-9a-f-]{36}\.part$/

async function collectKeys(root: string, keys: Set<string>): Promise<void> {
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(error => {
    if (NOT_FOUND_CODES.has(error.code)) return []
    throw error
  })
  for (const entry of names) {
    const key = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')
    if (entry.isFile() && isObjectKey(key) && !TEMPORARY_FILE.test(key)) keys.add(key)
  }
}
