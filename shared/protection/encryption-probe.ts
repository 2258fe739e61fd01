import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import { existsSync } from '../base/node-fs.ts'

export const KEY_RING_FILE = 'keys.db'
const STORE_FILE = 'conversations.db'

/** Reads rows of people's content, the newest where they have an order. With encryption each of them is an envelope. */
const SAMPLES = [
  'SELECT text FROM messages ORDER BY position DESC LIMIT 50',
  'SELECT body AS text FROM documents WHERE length(person) > 0 ORDER BY rowid DESC LIMIT 50',
  'SELECT text FROM timers LIMIT 50',
  'SELECT state AS text FROM dialog LIMIT 50',
]

/**
 * Whether the embedded store in this folder holds encrypted content. A file that cannot be read counts as encrypted, so
 * that no message advises starting without keys.
 */
export async function hasEncryptedContent(dataDirectory: string): Promise<boolean> {
  const file = join(dataDirectory, STORE_FILE)
  if (!existsSync(file)) return false
  const [{ DatabaseSync }, { isEnvelopeText }] = await Promise.all([
    import('node:sqlite'),
    import('./envelope.ts'),
  ])
  let database: InstanceType<typeof DatabaseSync> | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
    return SAMPLES.some(sql =>
      database!
        .prepare(sql)
        .all()
        .some(({ text }) => isEnvelopeText(text) || isEnvelopeText(parseJsonText(text))),
    )
  } catch {
    return true
  } finally {
    database?.close()
  }
}

/** JSON columns hold the envelope as a JSON string. */
function parseJsonText(text: unknown): unknown {
  if (typeof text !== 'string' || !text.startsWith('"')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const hasStore = (dataDirectory: string): boolean => existsSync(join(dataDirectory, STORE_FILE))

/** The error for encrypted content without its key ring. */
export function missingRingError(dataDirectory: string): LaresError {
  const file = join(dataDirectory, KEY_RING_FILE)
  return new LaresError(
    'invalid_config',
    `the key ring ${file} is missing or empty, and ${join(dataDirectory, STORE_FILE)} holds encrypted content: put ${KEY_RING_FILE} back from its own backup (docs/privacy.md), and the master key with it. Without them nobody can read this content. To begin anew, move ${dataDirectory} away`,
  )
}
