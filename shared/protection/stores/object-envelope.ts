import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LaresError } from '../../base/errors.ts'
import type { Received } from '../../objects/bounded-stream.ts'
import { placeOf } from '../associated-data.ts'
import { type DataKey, keyIdOf, open, seal } from '../envelope.ts'

/**
 * An encrypted object: length of the head (4 bytes) | the head, an envelope of its facts | nonce (12) | AES-256-GCM of
 * the content | its tag (16). The head is authenticated with the content. The nonce is random, as the content is not known
 * when its first byte goes out.
 */
const LENGTH = 4
const NONCE = 12
const TAG = 16
const MAX_HEAD = 4_096

const placeOfFacts = (key: string) => placeOf('object', key)

export const damaged = (key: string): LaresError =>
  new LaresError('failed', `the object "${key}" is damaged: it is not what was written`)

/** Encrypts parts as they come; when they have, `head` makes what is put before them. */
export function sealingObject(key: DataKey, name: string) {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', key.content, nonce)
  cipher.setAAD(Buffer.from(placeOfFacts(name)))
  return {
    update: (part: Uint8Array): Buffer => cipher.update(part),
    end: (): Buffer => Buffer.concat([cipher.final(), cipher.getAuthTag()]),
    head(facts: Received): Buffer {
      const head = seal(key, placeOfFacts(name), Buffer.from(JSON.stringify(facts)))
      const length = Buffer.alloc(LENGTH)
      length.writeUInt32BE(head.length)
      return Buffer.concat([length, head, nonce])
    },
  }
}

export type ObjectHead = { keyId: string; sealed: Buffer; nonce: Buffer; rest: Buffer }

/** Undefined when more is needed. Errors: `failed`. */
export function readHead(bytes: Buffer, name: string): ObjectHead | undefined {
  if (bytes.length < LENGTH) return undefined
  const length = bytes.readUInt32BE()
  if (length > MAX_HEAD) throw damaged(name)
  const end = LENGTH + length
  if (bytes.length < end + NONCE) return undefined
  const sealed = bytes.subarray(LENGTH, end)
  return {
    keyId: keyIdOf(sealed, placeOfFacts(name)),
    sealed,
    nonce: bytes.subarray(end, end + NONCE),
    rest: bytes.subarray(end + NONCE),
  }
}

export const factsIn = (key: DataKey, name: string, { sealed }: ObjectHead): Received =>
  JSON.parse(open(key, placeOfFacts(name), sealed).toString())

/** Decrypts parts as they come; fails at the end when they are not what was written. Errors: `failed`. */
export async function* openContent(
  key: DataKey,
  name: string,
  { nonce, rest }: ObjectHead,
  more: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const decipher = createDecipheriv('aes-256-gcm', key.content, nonce)
  decipher.setAAD(Buffer.from(placeOfFacts(name)))
  let held = rest
  const release = (): Buffer => {
    const ready = held.subarray(0, Math.max(0, held.length - TAG))
    held = held.subarray(ready.length)
    return decipher.update(ready)
  }
  yield release()
  for await (const part of more) {
    held = Buffer.concat([held, part])
    yield release()
  }
  if (held.length < TAG) throw damaged(name)
  decipher.setAuthTag(held)
  try {
    decipher.final()
  } catch {
    throw damaged(name)
  }
}
