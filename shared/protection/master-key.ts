import { createHash, createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder, moveInto, syncFolder } from '../base/durable-file.ts'
import { LaresError, toLaresError } from '../base/errors.ts'

/** What wraps people's keys. `id` is told with what it wrapped, and tells nothing of it. */
export type MasterKey = { id: string; key: KeyObject }

/** Where master keys come from: the first wraps, the others only unwrap what they wrapped before a rotation. */
export type MasterKeys = {
  /** Read anew each time. Errors: `invalid_config`; `not_found` when there is no file. */
  all(): Promise<[MasterKey, ...MasterKey[]]>
  /** Makes the first one, if that is possible here: readable by its user alone, durable when this resolves. */
  make(): Promise<void>
  /** Replaces what there is. Errors: `invalid_config` where it cannot be written. */
  write(keys: string[]): Promise<void>
  /** As they are written. */
  texts(): Promise<string[]>
  /** For messages. */
  where: string
}

/** As they are written, made first where there are none: whoever starts first makes them. */
export async function textsOrMade(keys: MasterKeys): Promise<string[]> {
  return await keys.texts().catch(async error => {
    if (toLaresError(error).code !== 'not_found') throw error
    await keys.make()
    return await keys.texts()
  })
}

const BYTES = 32

export const newMasterText = (): string => randomBytes(BYTES).toString('base64')

export function masterKey(text: string, where: string): MasterKey {
  const secret = Buffer.from(text, 'base64')
  if (secret.length !== BYTES)
    throw new LaresError(
      'invalid_config',
      `${where} has a master key of ${secret.length} bytes instead of ${BYTES} in base64: make one with "openssl rand -base64 32"`,
    )
  const id = createHash('sha256').update('lares master key ').update(secret).digest('hex').slice(0, 16)
  return { id, key: createSecretKey(secret) }
}

function parse(text: string, where: string): [MasterKey, ...MasterKey[]] {
  const [first, ...others] = linesOf(text).map(line => masterKey(line, where))
  if (first) return [first, ...others]
  throw new LaresError(
    'invalid_config',
    `${where} has no master key: make one with "openssl rand -base64 32"`,
  )
}

const linesOf = (text: string): string[] => text.split(/[\s,]+/).filter(line => line !== '')

/** In a file, a key a line; a new one is put before the others. */
export function masterKeysIn(file: string): MasterKeys {
  const read = async () => {
    try {
      return await readFile(file, 'utf8')
    } catch (cause) {
      const isAway = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      const message = isAway
        ? `there is no master key in ${file}: put it back, or set LARES_MASTER_KEY_FILE to where it is`
        : `the master key in ${file} cannot be read: ${(cause as Error).message}`
      throw new LaresError(isAway ? 'not_found' : 'invalid_config', message, { cause })
    }
  }
  const draft = async (text: string) => {
    await makeFolder(dirname(file))
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
    where: file,
    all: async () => parse(await read(), file),
    texts: async () => linesOf(await read()),
    async make() {
      const temporary = await draft(`${newMasterText()}\n`)
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
        await moveInto(await draft(`${keys.join('\n')}\n`), file)
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
export function masterKeysOf(text: string): MasterKeys {
  const where = 'LARES_MASTER_KEY'
  const fixed = () => {
    throw new LaresError(
      'invalid_config',
      `${where} cannot be changed from here: put the new key before the old one in it, start everything anew, then run "lares keys rotate --rewrap"`,
    )
  }
  return {
    where,
    all: async () => parse(text, where),
    texts: async () => linesOf(text),
    make: async () => undefined,
    write: async () => fixed(),
  }
}
