import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LaresError } from '../../base/errors.ts'
import type { ContentMetadata } from '../../objects/bounded-stream.ts'
import { aadOf } from '../associated-data.ts'
import { type DataKey, keyIdOf, seal, unseal } from '../envelope.ts'

/**
 * An encrypted object: length of the head (4 bytes) | the head, an envelope of its metadata | nonce (12) | AES-256-GCM
 * of the content | its tag (16). The head is authenticated with the content. The nonce is random, because the content
 * is not yet known when its first byte goes out.
 */
const LENGTH_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_HEADER_BYTES = 4_096

const aadOfMetadata = (key: string) => aadOf('object', key)

export const damagedObjectError = (key: string): LaresError =>
  new LaresError('failed', `the object "${key}" is damaged: it is not what was written`)

/** Encrypts parts as they arrive; after the last part, `head` builds the bytes that precede them. */
export function createObjectSealer(key: DataKey, name: string) {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.content, nonce)
  cipher.setAAD(Buffer.from(aadOfMetadata(name)))
  return {
    update: (part: Uint8Array): Buffer => cipher.update(part),
    end: (): Buffer => Buffer.concat([cipher.final(), cipher.getAuthTag()]),
    head(facts: ContentMetadata): Buffer {
      const head = seal(key, aadOfMetadata(name), Buffer.from(JSON.stringify(facts)))
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt32BE(head.length)
      return Buffer.concat([length, head, nonce])
    },
  }
}

export type ObjectHeader = { keyId: string; sealed: Buffer; nonce: Buffer; rest: Buffer }

/** Undefined if more bytes are needed. Errors: `failed`. */
export function readHeader(bytes: Buffer, name: string): ObjectHeader | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined
  const length = bytes.readUInt32BE()
  if (length > MAX_HEADER_BYTES) throw damagedObjectError(name)
  const end = LENGTH_BYTES + length
  if (bytes.length < end + NONCE_BYTES) return undefined
  const sealed = bytes.subarray(LENGTH_BYTES, end)
  return {
    keyId: keyIdOf(sealed, aadOfMetadata(name)),
    sealed,
    nonce: bytes.subarray(end, end + NONCE_BYTES),
    rest: bytes.subarray(end + NONCE_BYTES),
  }
}

export const unsealMetadata = (key: DataKey, name: string, { sealed }: ObjectHeader): ContentMetadata =>
  JSON.parse(unseal(key, aadOfMetadata(name), sealed).toString())

/** Decrypts parts as they arrive. Errors: `failed`, at the end, if they are not the written bytes. */
export async function* unsealContent(
  key: DataKey,
  name: string,
  { nonce, rest }: ObjectHeader,
  more: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const decipher = createDecipheriv('aes-256-gcm', key.content, nonce)
  decipher.setAAD(Buffer.from(aadOfMetadata(name)))
  let buffered = rest
  const decryptBuffered = (): Buffer => {
    const ready = buffered.subarray(0, Math.max(0, buffered.length - TAG_BYTES))
    buffered = buffered.subarray(ready.length)
    return decipher.update(ready)
  }
  yield decryptBuffered()
  for await (const part of more) {
    buffered = Buffer.concat([buffered, part])
    yield decryptBuffered()
  }
  if (buffered.length < TAG_BYTES) throw damagedObjectError(name)
  decipher.setAuthTag(buffered)
  try {
    decipher.final()
  } catch {
    throw damagedObjectError(name)
  }
}
