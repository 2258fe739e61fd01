import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { LaresError } from '../base/errors.ts'

/** The key of one person, and what is derived from it (HKDF, RFC 5869): a key for each use. */
export type DataKey = {
  /** 32 hexadecimal digits, made at random: they say nothing of whose key it is. */
  id: string
  person: string
  content: KeyObject
  nonces: KeyObject
  words: KeyObject
  audit: KeyObject
}

/** `secret` is 32 bytes. */
export function dataKey(id: string, person: string, secret: Buffer): DataKey {
  const derive = (use: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `lares ${use}`, 32)))
  return {
    id,
    person,
    content: derive('content'),
    nonces: derive('nonces'),
    words: derive('words'),
    audit: derive('audit'),
  }
}

/** version (1 byte) | key id (16) | nonce (12) | AES-256-GCM of the content | its tag (16) */
const VERSION = 1
const HEAD = 17
const NONCE = 12
const TAG = 16
export const ENVELOPE_BYTES = HEAD + NONCE + TAG

/**
 * Encrypts content for the place where it will be kept (the identity of its row), which is authenticated with it: moved
 * elsewhere, it does not open. The nonce is a keyed digest (HMAC-SHA-256) of place and content, so that two contents share
 * none, whatever happens to random numbers, and the same content at the same place is the same bytes: what is written
 * again has not changed.
 */
export function seal(key: DataKey, place: string, content: Buffer): Buffer {
  const at = Buffer.from(place)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(at.length)
  const nonce = createHmac('sha256', key.nonces).update(length).update(at).update(content).digest()
  return sealWith(key, at, nonce.subarray(0, NONCE), content)
}

function sealWith(key: DataKey, place: Buffer, nonce: Buffer, content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD)
  head[0] = VERSION
  head.write(key.id, 1, 'hex')
  const cipher = createCipheriv('aes-256-gcm', key.content, nonce)
  cipher.setAAD(Buffer.concat([head, place]))
  return Buffer.concat([head, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()])
}

/** The id of the key that opens it. Errors: `failed` for what is no envelope, or one of a newer Lares. */
export function keyIdOf(sealed: Buffer, place: string): string {
  if (sealed.length < ENVELOPE_BYTES) throw unsound(place, 'is too short for it')
  if (sealed[0] !== VERSION) throw unsound(place, `has version ${sealed[0]}, this Lares knows ${VERSION}`)
  return sealed.toString('hex', 1, HEAD)
}

/** Errors: `failed` when it is not what was sealed for this place. */
export function open(key: DataKey, place: string, sealed: Buffer): Buffer {
  keyIdOf(sealed, place)
  const nonce = sealed.subarray(HEAD, HEAD + NONCE)
  const decipher = createDecipheriv('aes-256-gcm', key.content, nonce)
  decipher.setAAD(Buffer.concat([sealed.subarray(0, HEAD), Buffer.from(place)]))
  decipher.setAuthTag(sealed.subarray(-TAG))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEAD + NONCE, -TAG)), decipher.final()])
  } catch {
    throw unsound(place, 'was changed, or belongs elsewhere')
  }
}

/** What begins so is an envelope as text. */
const MARK = 'sealed:'

export const sealText = (key: DataKey, place: string, text: string): string =>
  MARK + seal(key, place, Buffer.from(text)).toString('base64url')

/** The envelope in a text. Errors: `failed` for a text that was never sealed. */
export function unpack(text: unknown, place: string): Buffer {
  if (typeof text === 'string' && text.startsWith(MARK))
    return Buffer.from(text.slice(MARK.length), 'base64url')
  throw new LaresError(
    'failed',
    `${place} was written without encryption: export it with LARES_PROTECTION=off, and import that into a new house`,
    { retryable: false },
  )
}

export const unsound = (place: string, what: string): LaresError =>
  new LaresError('failed', `the encrypted content of ${place} ${what}`, { retryable: false })
