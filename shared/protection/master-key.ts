import { createHash, createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolderDurably, renameDurably, syncFolder } from '../base/durable-file.ts'
import { LaresError, toLaresError } from '../base/errors.ts'
import { newerDataError } from '../base/version.ts'

/** Wraps people's keys. `id` is stored with each wrapped key, and reveals nothing of the master key. */
export type MasterKey = { id: string; key: KeyObject }

/** The source of master keys. The first one wraps; the others only unwrap keys that they wrapped before a rotation. */
export type MasterKeys = {
  /** Reads the source at each call. Errors: `invalid_config`; `not_found` if there is no file. */
  all(): Promise<[MasterKey, ...MasterKey[]]>
  /** Creates the first key, if the source allows it: readable by its user alone, durable when the call resolves. */
  create(): Promise<void>
  /** Replaces all keys. Errors: `invalid_config` if the source cannot be written. */
  write(keys: string[]): Promise<void>
  /** The keys in their written form. */
  texts(): Promise<string[]>
  /** The source's name, for messages. */
  source: string
}

/** The keys in their written form. If there are none, the first process to start creates them. */
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

/** The master keys of a file, one on each line; a new key is put before the others. */
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
        // Unlike a rename, a link never replaces the key of another starting process.
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

/** The master keys in LARES_MASTER_KEY, separated by commas or spaces. */
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
