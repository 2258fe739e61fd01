import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { makeFolderDurably, renameDurably, writeAndSync } from '../../shared/base/durable-file.ts'
import { LaresError } from '../../shared/base/errors.ts'
import { newerDataError } from '../../shared/base/version.ts'

/**
 * The owner's token: the given one, or the one in `home/token`. Creates a missing token file: 32 random bytes, readable
 * by its user alone, durable when this resolves. Errors: `invalid_config`.
 */
export async function loadOwnerToken(home: string, given?: string): Promise<string> {
  if (given !== undefined) return given
  const file = join(home, 'token')
  return (await readToken(file)) ?? (await createToken(home, file))
}

/** A token without a prefix has format 1. A later format would begin with its number, as in `lares2:`. */
const TOKEN_FORMAT = 1

async function readToken(file: string): Promise<string | undefined> {
  try {
    const token = (await readFile(file, 'utf8')).trim()
    const found = Number(/^lares(\d+):/.exec(token)?.[1] ?? TOKEN_FORMAT)
    if (found > TOKEN_FORMAT)
      throw newerDataError({ what: `the token in ${file}`, found, known: TOKEN_FORMAT })
    if (token.length >= 16) return token
    throw new LaresError('invalid_config', `${file} has no token of 16 characters or more: delete the file`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof LaresError) throw error
    throw new LaresError('invalid_config', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

async function createToken(home: string, file: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await makeFolderDurably(home)
  const temporaryFile = `${file}.${randomUUID()}`
  await writeAndSync(temporaryFile, `${token}\n`, 0o600)
  await renameDurably(temporaryFile, file)
  return token
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1'
}

/**
 * Refuses to expose Lares to a network with a generated token, because that token lies in a file and was printed at the
 * start. Errors: `invalid_config`.
 */
export function checkExposure(host: string, hasChosenToken: boolean): void {
  if (isLoopback(host) || hasChosenToken) return
  throw new LaresError(
    'invalid_config',
    `HOST=${host} opens Lares to others: set LARES_TOKEN, or name people with tokens in gateway.yaml, or listen on 127.0.0.1`,
  )
}
