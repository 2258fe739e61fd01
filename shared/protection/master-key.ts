import { createHash, createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolderDurably, renameDurably, syncFolder } from '../base/durable-file.ts'
import { LaresError, toLaresError } from '../base/errors.ts'
import { newerDataError } from '../base/version.ts'

/** What wraps people's keys. `id` is told with what it wrapped, and tells nothing of it. */
export type MasterKey = { id: string; key: KeyObject }

/** Where master keys come from: the first wraps, the others only unwrap what they wrapped before a rotation. */
export type MasterKeys = {
  /** Read anew each time. Errors: `invalid_config`; `not_found` when there is no file. */
  all(): Promise<[MasterKey, ...MasterKey[]]>
  /** Makes the first one, if that is possible here: readable by its user alone, durable when this resolves. */
  create(): Promise<void>
  /** Replaces what there is. Errors: `invalid_config` where it cannot be written. */
  write(keys: string[]): Promise<void>
  /** As they are written. */
  texts(): Promise<string[]>
  /** For messages. */
  source: string
}

/** As they are written, made first where there are none: whoever starts first makes them. */
export async function readOrCreateMasterKeyTexts(keys: MasterKeys): Promise<string[]> {
  return await keys.texts().catch(async error => {
    if (toLaresError(error).code !== 'not_found') throw error
    await keys.create()
    return await keys.texts()
  })
}

const KEY_BYTES = 32

export const generateMasterKeyText = (): string => randomBytes(KEY_BYTES).toString('base64')

/** A key without a prefix is format 1; a later format would begin with its number, as `lares2:`. */
const KEY_FORMAT = 1

/** Errors: `invalid_config`, also for a key of a newer Lares. */
export function parseMasterKey(text: string, source: string): MasterKey {
  const found = Number(/^lares(\d+):/.exec(text)?.[1] ?? KEY_FORMAT)
  if (found > KEY_FORMAT)
    throw newerDataError({ what: `the master key in ${source}`, found, known: KEY_FORMAT })
  const secret = Buffer.from(text, 'base64')
  if (secret.length !== KEY_BYTES)
    throw new LaresError(
      'invalid_config',
      `${source} has a master key of ${secret.length} bytes instead of ${KEY_BYTES} in base64: make one with "openssl rand -base64 32"`,
    )
  const id = createHash('sha256').update('lares master key ').update(secret).digest('hex').slice(0, 16)
  return { id, key: createSecretKey(secret) }
}

function parseMasterKeys(text: string, source: string): [MasterKey, ...MasterKey[]] {
  const [first, ...others] = splitKeyTexts(text).map(line => parseMasterKey(line, source))
  if (first) return [first, ...others]
  throw new LaresError(
    'invalid_config',
    `${source} has no master key: make one with "openssl rand -base64 32"`,
  )
}

const splitKeyTexts = (text: string): string[] => text.split(/[\s,]+/).filter(line => line !== '')

/** In a file, a key a line; a new one is put before the others. */
export function masterKeysFromFile(file: string): MasterKeys {
  const read = async () => {
    try {
      return await readFile(file, 'utf8')
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      const message = isMissing
        ? `there is no master key in ${file}: put it back, or set LARES_MASTER_KEY_FILE to where it is`
        : `the master key in ${file} cannot be read: ${(cause as Error).message}`
      throw new LaresError(isMissing ? 'not_found' : 'invalid_config', message, { cause })
    }
  }
  const writeTemporary = async (text: string) => {
    await makeFolderDurably(dirname(file))
    const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return temporary
  }
  return {
    source: file,
    all: async () => parseMasterKeys(await read(), file),
    texts: async () => splitKeyTexts(await read()),
    async create() {
      const temporary = await writeTemporary(`${generateMasterKeyText()}\n`)
      try {
        // Unlike a rename it never replaces the key of another starter.
        await link(temporary, file)
        await syncFolder(dirname(file))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      } finally {
        await rm(temporary, { force: true })
      }
    },
    async write(keys) {
      try {
        await renameDurably(await writeTemporary(`${keys.join('\n')}\n`), file)
      } catch (cause) {
        throw new LaresError(
          'invalid_config',
          `the master key in ${file} cannot be replaced (${(cause as Error).message}): put the new key in it as its first line yourself, then run "lares keys rotate --rewrap"`,
          { cause },
        )
      }
    },
  }
}

/** In LARES_MASTER_KEY, several with commas or spaces. */
export function masterKeysFromText(text: string): MasterKeys {
  const source = 'LARES_MASTER_KEY'
  const refuseWrite = () => {
    throw new LaresError(
      'invalid_config',
      `${source} cannot be changed from here: put the new key before the old one in it, start everything anew, then run "lares keys rotate --rewrap"`,
    )
  }
  return {
    source,
    all: async () => parseMasterKeys(text, source),
    texts: async () => splitKeyTexts(text),
    create: async () => undefined,
    write: async () => refuseWrite(),
  }
}
