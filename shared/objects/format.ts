import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { makeFolderDurably, renameDurably, writeAndSync } from '../base/durable-file.ts'
import { LaresError } from '../base/errors.ts'
import { LARES_VERSION, newerDataError } from '../base/version.ts'

/**
 * The layout of objects in a folder or a bucket: 1 is a file or object for each key, with checksum and type beside it.
 */
export const OBJECTS_FORMAT = 1

/** A file in the folder, or an object in the bucket. Keys never begin with a dot, so no object has this name. */
export const FORMAT_NAME = '.lares-format'

const formatSchema = z.object({ format: z.int().positive(), lares: z.string() })

export const formatText = (): string =>
  `${JSON.stringify({ format: OBJECTS_FORMAT, lares: LARES_VERSION })}\n`

/**
 * Whether the format must be written: Lares 0.1.0 wrote none, which means format 1. Errors: `invalid_config` for
 * objects of a newer Lares, and for a text that is no format.
 */
export function isFormatMissing(text: string | undefined, what: string): boolean {
  if (text === undefined) return true
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  const { data } = formatSchema.safeParse(json)
  if (!data)
    throw new LaresError(
      'invalid_config',
      `${FORMAT_NAME} in ${what} is damaged: delete it when Lares 0.1 or 0.2 wrote the objects there`,
    )
  if (data.format > OBJECTS_FORMAT)
    throw newerDataError({ what, found: data.format, known: OBJECTS_FORMAT, writer: data.lares })
  return false
}

/** Writes the format into a folder of objects. Errors: `unavailable`; those of `isFormatMissing`. */
export async function markFolderFormat(folder: string): Promise<void> {
  const file = join(folder, FORMAT_NAME)
  const what = `the object folder ${folder}`
  try {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (!isFormatMissing(text, what)) return
    await makeFolderDurably(folder)
    const temporary = `${file}.${randomUUID()}.part`
    await writeAndSync(temporary, formatText())
    await renameDurably(temporary, file)
  } catch (cause) {
    if (cause instanceof LaresError) throw cause
    throw new LaresError(
      'unavailable',
      `${what} cannot be written: ${(cause as Error).message}; set LARES_HOME to a folder that can`,
      { cause },
    )
  }
}
