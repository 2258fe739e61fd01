import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { LaresError } from '../base/errors.ts'

/** The key of one person, and the keys derived from it (HKDF, RFC 5869), one for each use. */
export type DataKey = {
  /** 32 random hexadecimal digits; they reveal nothing about the key's owner. */
  id: string
  person: string
  content: KeyObject
  nonces: KeyObject
  blindIndex: KeyObject
  audit: KeyObject
}

/** `secret` is 32 bytes. */
export function deriveDataKey(id: string, person: string, secret: Buffer): DataKey {
  const derive = (use: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `lares ${use}`, 32)))
  return {
    id,
    person,
    content: derive('content'),
    nonces: derive('nonces'),
    blindIndex: derive('words'),
    audit: derive('audit'),
  }
}

/** version (1 byte) | key id (16) | nonce (12) | AES-256-GCM of the content | its tag (16) */
const VERSION = 1
const HEADER_BYTES = 17
const NONCE_BYTES = 12
const TAG_BYTES = 16
export const ENVELOPE_OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * Encrypts content for the row that will store it. The row's identity is authenticated with the content, so an envelope
 * does not open in another place. The nonce is a keyed digest (HMAC-SHA-256) of place and content. Two contents
 * therefore never share a nonce, even if random numbers fail. The same content at the same place gives the same bytes,
 * so rewriting it changes nothing.
 */
export function seal(key: DataKey, aad: string, content: Buffer): Buffer {
  const aadBytes = Buffer.from(aad)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(aadBytes.length)
  const nonce = createHmac('sha256', key.nonces).update(length).update(aadBytes).update(content).digest()
  return sealWith(key, aadBytes, nonce.subarray(0, NONCE_BYTES), content)
}

function sealWith(key: DataKey, aad: Buffer, nonce: Buffer, content: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head[0] = VERSION
  head.write(key.id, 1, 'hex')
  const cipher = createCipheriv('aes-256-gcm', key.content, nonce)
  cipher.setAAD(Buffer.concat([head, aad]))
  return Buffer.concat([head, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()])
}

/** The id of the key that decrypts it. Errors: `failed` for bytes that are no envelope, or one of a newer Lares. */
export function keyIdOf(sealed: Buffer, aad: string): string {
  if (sealed.length < ENVELOPE_OVERHEAD_BYTES) throw envelopeError(aad, 'is too short for it')
  if (sealed[0] !== VERSION) throw envelopeError(aad, `has version ${sealed[0]}, this Lares knows ${VERSION}`)
  return sealed.toString('hex', 1, HEADER_BYTES)
}

/** Errors: `failed` if the bytes were not sealed for this place. */
export function unseal(key: DataKey, aad: string, sealed: Buffer): Buffer {
  keyIdOf(sealed, aad)
  const nonce = sealed.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key.content, nonce)
  decipher.setAAD(Buffer.concat([sealed.subarray(0, HEADER_BYTES), Buffer.from(aad)]))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ])
  } catch {
    throw envelopeError(aad, 'was changed, or belongs elsewhere')
  }
}

/** An envelope as text begins with this prefix. */
const TEXT_PREFIX = 'sealed:'

export const sealText = (key: DataKey, aad: string, text: string): string =>
  TEXT_PREFIX + seal(key, aad, Buffer.from(text)).toString('base64url')

/** Whether a text is an envelope. A person's words that begin with the same prefix are not. */
export function isEnvelopeText(text: unknown): text is string {
  if (typeof text !== 'string' || !text.startsWith(TEXT_PREFIX)) return false
  const envelope = text.slice(TEXT_PREFIX.length)
  const bytes = Buffer.from(envelope, 'base64url')
  return (
    bytes.length >= ENVELOPE_OVERHEAD_BYTES &&
    bytes[0] === VERSION &&
    bytes.toString('base64url') === envelope
  )
}

/** The envelope in a text. Errors: `failed` for a text that was never sealed. */
export function decodeEnvelope(text: unknown, aad: string): Buffer {
  if (typeof text === 'string' && text.startsWith(TEXT_PREFIX))
    return Buffer.from(text.slice(TEXT_PREFIX.length), 'base64url')
  throw new LaresError(
    'failed',
    `${aad} was written without encryption: export it with LARES_PROTECTION=off, and import that into a new data directory`,
    { retryable: false },
  )
}

export const envelopeError = (aad: string, what: string): LaresError =>
  new LaresError('failed', `the encrypted content of ${aad} ${what}`, { retryable: false })
