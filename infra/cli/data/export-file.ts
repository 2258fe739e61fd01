import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import { type ExportLine, type ExportLineOf, openDigest, parseLine } from './export-format.ts'
import type { ExportItem } from './export-lines.ts'

/** In a directory, this file contains the lines, and `objects` contains one file for the bytes of each object. */
const LINES_FILE = 'lares.ndjson'
const OBJECTS_FOLDER = 'objects'
/** The bytes of an object in one line; base64 makes the line a third longer. */
const CHUNK_BYTES = 48 * 1024

const isDirectory = async (path: string): Promise<boolean> =>
  path.endsWith('/') ||
  (await stat(path).then(
    found => found.isDirectory(),
    () => false,
  ))

/** The paths of an export's lines and, if they are separate, of its objects. */
export async function resolveExportPaths(
  path: string,
): Promise<{ file: string; objects: string | undefined }> {
  return (await isDirectory(path))
    ? { file: join(path, LINES_FILE), objects: join(path, OBJECTS_FOLDER) }
    : { file: path, objects: undefined }
}

/**
 * Writes an export, readable by its user alone. The file gets its name when it is whole. Errors: `conflict` when the
 * file exists; those of the stores.
 */
export async function writeExport(
  path: string,
  items: AsyncIterable<ExportItem>,
): Promise<ExportLineOf<'end'>> {
  const { file, objects } = await resolveExportPaths(path)
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    throw new LaresError('conflict', `${file} is there already: name another one`)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporaryFile = `${file}.part`
  const handle = await open(temporaryFile, 'w', 0o600)
  const digest = openDigest()
  const writeLine = async (line: ExportLine) => {
    digest.add(line)
    await handle.writeFile(`${JSON.stringify(line)}\n`)
  }
  try {
    for await (const item of items) {
      if ('line' in item) await writeLine(item.line)
      else await writeObject(item, writeLine, objects)
    }
    const end = digest.end()
    await writeLine(end)
    await handle.sync()
    await rename(temporaryFile, file)
    return end
  } catch (error) {
    await rm(temporaryFile, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function writeObject(
  { object, data }: { object: ExportLineOf<'object'>; data: Readable },
  writeLine: (line: ExportLine) => Promise<void>,
  objects: string | undefined,
): Promise<void> {
  await writeLine(object)
  if (objects !== undefined) {
    const path = join(objects, object.key)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await pipeline(data, createWriteStream(path, { mode: 0o600 }))
    return
  }
  let buffered = Buffer.alloc(0)
  for await (const chunk of data) {
    buffered = Buffer.concat([buffered, chunk])
    for (; buffered.length >= CHUNK_BYTES; buffered = buffered.subarray(CHUNK_BYTES))
      await writeLine({ kind: 'bytes', data: buffered.toString('base64', 0, CHUNK_BYTES) })
  }
  if (buffered.length > 0) await writeLine({ kind: 'bytes', data: buffered.toString('base64') })
}

/** Errors: `not_found`; `invalid_request`, naming the line. */
export async function* readExport(file: string): AsyncGenerator<ExportLine> {
  const handle = await open(file).catch(cause => {
    throw new LaresError('not_found', `${file} cannot be read: ${cause.message}`, { cause })
  })
  let number = 0
  for await (const text of createInterface({ input: handle.createReadStream({ encoding: 'utf8' }) }))
    yield parseLine(text, ++number)
}

export const objectReader = (objects: string) => (key: string) => createReadStream(join(objects, key))
