import { randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, copyFile, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { makeFolder, moveInto, writeSynced } from '../base/durable-file.ts'
import { LaresError } from '../base/errors.ts'
import { type Received, receive } from './bounded-stream.ts'
import { verified } from './checksum.ts'
import { folderFacts } from './folder-metadata.ts'
import { isObjectKey, type ObjectStore } from './objects.ts'

/** No file, a folder in its place, or a file where its folder would be. */
const ABSENT = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ERR_FS_EISDIR'])

/**
 * Objects as files below `folder`. A file is written beside its place, synced, and then renamed into it. Cold ones are
 * moved to the same place below `coldFolder`, which may be on a slower disk.
 */
export function openFolderObjects(folder: string, coldFolder?: string): ObjectStore {
  const facts = folderFacts(folder)
  const pathOf = (key: string, below = folder) => {
    if (!isObjectKey(key)) throw new LaresError('invalid_request', `"${key}" is no object key`)
    return join(below, key)
  }
  const failed =
    (key: string, what: string) =>
    (cause: Error & { code?: string }): never => {
      if (cause instanceof LaresError) throw cause
      throw new LaresError('unavailable', `the object "${key}" cannot be ${what}: ${cause.message}`, {
        cause,
      })
    }
  /** Where the object is now, or undefined. The warm place comes first: an object that is being moved is in both. */
  const locate = async (key: string) => {
    for (const [below, cold] of [[folder, false] as const, [coldFolder, true] as const]) {
      if (below === undefined) continue
      const path = pathOf(key, below)
      const found = await stat(path).catch(error => {
        if (ABSENT.has(error.code)) return undefined
        throw error
      })
      if (found?.isFile()) return { path, cold, modifiedMs: found.mtimeMs }
    }
    return undefined
  }
  const existing = async (key: string) => {
    const found = await locate(key).catch(failed(key, 'read'))
    if (!found) throw new LaresError('not_found', `there is no object "${key}"`)
    return found
  }
  const place = async (key: string, fill: (temporary: string) => Promise<unknown>) => {
    const path = pathOf(key)
    await makeFolder(dirname(path))
    const temporary = `${path}.${randomUUID()}.part`
    await fill(temporary)
    await moveInto(temporary, path)
    if (coldFolder) await rm(pathOf(key, coldFolder), { force: true })
    return path
  }
  const store: ObjectStore = {
    async put(key, data) {
      await place(key, temporary => writeSynced(temporary, data)).catch(
        failed(key, `written below ${folder}`),
      )
    },
    async get(key) {
      const { path } = await existing(key)
      return await readFile(path).catch(failed(key, 'read'))
    },
    async delete(key) {
      const gone = (cause: Error & { code?: string }) => {
        if (!ABSENT.has(cause.code ?? '')) failed(key, 'deleted')(cause)
      }
      for (const below of [folder, coldFolder])
        if (below !== undefined) await rm(pathOf(key, below), { force: true }).catch(gone)
      await facts.forget(key).catch(gone)
    },
    async write(key, data, declared) {
      try {
        let received: Received | undefined
        let version = ''
        await place(key, async temporary => {
          received = await receive(temporary, data, declared)
          version = await facts.versionOf(temporary)
        })
        await facts.keep(key, version, received!)
        return { ...received!, cold: false }
      } catch (error) {
        return failed(key, `written below ${folder}`)(error as Error)
      }
    },
    async read(key) {
      const { path, cold } = await existing(key)
      const handle = await open(path).catch(failed(key, 'read'))
      const known = await facts.of(key, path).catch(failed(key, 'read'))
      const { bytes, sha256, mediaType } = known
      const source = createReadStream('', { fd: handle })
      return { facts: { bytes, sha256, mediaType, cold }, data: verified(source, key, sha256) }
    },
    async facts(key) {
      const found = await locate(key).catch(failed(key, 'read'))
      if (!found) return undefined
      const { bytes, sha256, mediaType } = await facts.of(key, found.path).catch(failed(key, 'read'))
      return { bytes, sha256, mediaType, cold: found.cold }
    },
    async *list(prefix) {
      const keys = new Set<string>()
      for (const below of [folder, coldFolder]) if (below !== undefined) await addKeys(below, keys)
      yield* [...keys].filter(key => key.startsWith(prefix)).sort()
    },
    link: async () => undefined,
    async chill(beforeMs) {
      if (coldFolder === undefined) return 0
      let moved = 0
      for await (const key of store.list('')) {
        const found = await locate(key)
        if (!found || found.cold || found.modifiedMs >= beforeMs) continue
        const received = await facts.of(key, found.path)
        const cold = await copyDurably(found.path, pathOf(key, coldFolder))
        await facts.keep(key, await facts.versionOf(cold), received)
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
  await makeFolder(dirname(to))
  const temporary = `${to}.${randomUUID()}.part`
  await copyFile(from, temporary)
  const handle = await open(temporary)
  await handle.sync().finally(() => handle.close())
  await moveInto(temporary, to)
  return to
}

const UNFINISHED = /\.[0-9a-f-]{36}\.part$/

async function addKeys(below: string, keys: Set<string>): Promise<void> {
  const names = await readdir(below, { recursive: true, withFileTypes: true }).catch(error => {
    if (ABSENT.has(error.code)) return []
    throw error
  })
  for (const entry of names) {
    const key = relative(below, join(entry.parentPath, entry.name)).split(sep).join('/')
    if (entry.isFile() && isObjectKey(key) && !UNFINISHED.test(key)) keys.add(key)
  }
}
