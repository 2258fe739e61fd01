import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { syncFolder } from '../../../shared/base/durable-file.ts'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { MasterKeys } from '../../../shared/protection/master-key.ts'
import { decryptFrames, deriveBackupKey, encryptFrames } from './backup-cipher.ts'
import { type BackupHeader, type BackupLine, parseBackupLine, parseHeader } from './backup-format.ts'

const MAX_HEADER_BYTES = 4_096

export type BackupSummary = { lines: number; sha256: string; bytes: number }

/**
 * Writes a backup, readable by its user alone. The file gets its name when it is whole and durable. Errors: `conflict`
 * when the file exists; those of `lines`.
 */
export async function writeBackup(
  file: string,
  { header, masterKeys }: { header: BackupHeader; masterKeys: MasterKeys | undefined },
  lines: AsyncIterable<BackupLine>,
): Promise<BackupSummary> {
  if (await stat(file).catch(() => undefined))
    throw new LaresError('conflict', `${file} is there already: name another one`)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const key = deriveBackupKey((await masterKeys?.all())?.[0].key, header.salt)
  const headerLine = `${JSON.stringify(header)}\n`
  const temporary = `${file}.part`
  const handle = await open(temporary, 'w', 0o600)
  const summary = { lines: 0, sha256: '' }
  try {
    await handle.writeFile(headerLine)
    await pipeline(Readable.from(toText(lines, summary)), createGzip({ level: 1 }), async content => {
      for await (const frame of encryptFrames(key, headerLine, content)) await handle.writeFile(frame)
    })
    await handle.sync()
    const { size } = await handle.stat()
    await rename(temporary, file)
    await syncFolder(dirname(file))
    return { ...summary, bytes: size }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    await handle.close().catch(() => undefined)
  }
}

/** Yields the lines as text, and then the last line with their count and hash. */
async function* toText(
  lines: AsyncIterable<BackupLine>,
  summary: { lines: number; sha256: string },
): AsyncGenerator<string> {
  const hash = createHash('sha256')
  for await (const line of lines) {
    const text = `${JSON.stringify(line)}\n`
    hash.update(text)
    summary.lines++
    yield text
  }
  summary.sha256 = hash.digest('hex')
  yield `${JSON.stringify({ kind: 'end', ...summary })}\n`
}

export type OpenedBackup = {
  header: BackupHeader
  /**
   * Yields all lines but the last, and checks the last one. Errors: `invalid_request` for a damaged, changed or
   * truncated backup. A caller that must not act on a part of a backup reads it twice.
   */
  read(): AsyncGenerator<BackupLine>
}

/**
 * Errors: `not_found`; `invalid_request` for a file of another kind; `invalid_config` without the master key that opens
 * it.
 */
export async function openBackup(file: string, masterKeys: MasterKeys | undefined): Promise<OpenedBackup> {
  const headerLine = await readHeaderLine(file)
  const header = parseHeader(headerLine, file)
  const key = deriveBackupKey(await findMasterKey(header, masterKeys), header.salt)
  return {
    header,
    async *read() {
      const source = createReadStream(file, { start: Buffer.byteLength(headerLine) })
      const content = Readable.from(decryptFrames(key, headerLine, source), { objectMode: false })
      const text = content.pipe(createGunzip())
      content.on('error', error => text.destroy(error))
      try {
        yield* readLines(text)
      } catch (error) {
        // An error of zlib names neither the file nor the remedy.
        if (error instanceof LaresError) throw error
        throw new LaresError(
          'invalid_request',
          `the backup ${file} is damaged: ${toLaresError(error).message}`,
        )
      } finally {
        source.destroy()
      }
    },
  }
}

async function* readLines(text: Readable): AsyncGenerator<BackupLine> {
  const hash = createHash('sha256')
  let count = 0
  let end: BackupLine | undefined
  // readline ends without an error when its source fails.
  const failure = new Promise<never>((_, reject) => text.on('error', reject))
  failure.catch(() => undefined)
  const reader = createInterface({ input: text })[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await Promise.race([reader.next(), failure])
    if (done) break
    const line = parseBackupLine(value, ++count)
    if (line.kind === 'end') {
      end = line
      continue
    }
    hash.update(`${value}\n`)
    yield line
  }
  if (end?.kind !== 'end' || end.lines !== count - 1 || end.sha256 !== hash.digest('hex'))
    throw new LaresError('invalid_request', 'the backup is not whole: restore another one')
}

async function readHeaderLine(file: string): Promise<string> {
  const handle = await open(file).catch(cause => {
    throw new LaresError('not_found', `${file} cannot be read: ${cause.message}`, { cause })
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_HEADER_BYTES), 0, MAX_HEADER_BYTES, 0)
    const end = buffer.subarray(0, bytesRead).indexOf('\n')
    return buffer.toString('utf8', 0, end + 1)
  } finally {
    await handle.close()
  }
}

async function findMasterKey({ master, at }: BackupHeader, masterKeys: MasterKeys | undefined) {
  if (master === null) return undefined
  const found = (await masterKeys?.all())?.find(({ id }) => id === master)
  if (found) return found.key
  const source = masterKeys?.source ?? 'LARES_MASTER_KEY_FILE'
  throw new LaresError(
    'invalid_config',
    `the backup of ${at} opens with the master key ${master}, which is not in ${source}: put it there as one of its lines`,
  )
}
