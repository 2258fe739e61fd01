import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { makeFolderDurably, renameDurably, writeAndSync } from '../base/durable-file.ts'
import type { ContentMetadata } from './bounded-stream.ts'

const metadataFileSchema = z.object({
  bytes: z.number(),
  sha256: z.string(),
  mediaType: z.string(),
  /**
   * Identifies the file by its size and its modification time in nanoseconds; a copy that preserves times has the same
   * ones.
   */
  version: z.string(),
})

const UNKNOWN_TYPE = 'application/octet-stream'

/**
 * The metadata of the files below `folder`: each in a small file below `folder/.facts`, where no key can be. A file is
 * put in place before its metadata. Metadata therefore counts only for exactly the file that it describes. For any
 * other file it is computed from the bytes.
 */
export function openMetadataFiles(folder: string) {
  const pathOf = (key: string) => join(folder, '.facts', `${key}.json`)
  /** Distinguishes a file from one that replaces it; renaming the file keeps it the same. */
  const versionOf = async (file: string): Promise<string> => {
    const { size, mtimeNs } = await stat(file, { bigint: true })
    return `${size} ${mtimeNs}`
  }
  return {
    versionOf,
    async keep(key: string, version: string, received: ContentMetadata): Promise<void> {
      const path = pathOf(key)
      await makeFolderDurably(dirname(path))
      const temporary = `${path}.${randomUUID()}.part`
      await writeAndSync(temporary, JSON.stringify({ ...received, version }))
      await renameDurably(temporary, path)
    },
    async of(key: string, file: string): Promise<ContentMetadata> {
      const version = await versionOf(file)
      const stored = metadataFileSchema.safeParse(
        tryParseJson(await readFile(pathOf(key), 'utf8').catch(() => '')),
      )
      if (stored.success && stored.data.version === version) return stored.data
      return await computeMetadata(file)
    },
    forget: (key: string) => rm(pathOf(key), { force: true }),
  }
}

async function computeMetadata(file: string): Promise<ContentMetadata> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of createReadStream(file)) {
    hash.update(part)
    bytes += part.length
  }
  return { bytes, sha256: hash.digest('hex'), mediaType: UNKNOWN_TYPE }
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
