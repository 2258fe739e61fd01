import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { LaresError } from '../../../shared/base/errors.ts'

/**
 * The body of a backup is a sequence of frames of at most 64 KiB of content. Each frame is a length (4 bytes,
 * big-endian), the content under AES-256-GCM, and the tag (16 bytes). The nonce holds the number of the frame (11
 * bytes) and whether it is the last one (1 byte). Each frame authenticates the header too. So a frame that is changed,
 * moved, dropped or cut off does not open (the STREAM construction: https://eprint.iacr.org/2015/189.pdf).
 */
const FRAME_BYTES = 64 * 1024
const TAG_BYTES = 16
const LENGTH_BYTES = 4

/**
 * The key of one backup. Without encryption (`master` undefined) everybody can derive it: then it protects against
 * damage, and not against people.
 */
export function deriveBackupKey(master: KeyObject | undefined, salt: string): KeyObject {
  const secret = master ?? createSecretKey(Buffer.alloc(32))
  return createSecretKey(
    Buffer.from(hkdfSync('sha256', secret, Buffer.from(salt, 'base64'), 'lares backup', 32)),
  )
}

const nonceOf = (frame: number, isLast: boolean): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(Math.floor(frame / 2 ** 32), 3)
  nonce.writeUInt32BE(frame % 2 ** 32, 7)
  nonce.writeUInt8(isLast ? 1 : 0, 11)
  return nonce
}

export async function* encryptFrames(
  key: KeyObject,
  header: string,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let frame = 0
  const seal = (plain: Buffer, isLast: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(frame++, isLast))
    cipher.setAAD(Buffer.from(header))
    const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(body.length)
    return Buffer.concat([length, body])
  }
  let pending = Buffer.alloc(0)
  for await (const part of content) {
    pending = Buffer.concat([pending, part])
    for (; pending.length > FRAME_BYTES; pending = pending.subarray(FRAME_BYTES))
      yield seal(pending.subarray(0, FRAME_BYTES), false)
  }
  yield seal(pending, true)
}

/** Errors: `invalid_request` for a damaged, changed or truncated backup. */
export async function* decryptFrames(
  key: KeyObject,
  header: string,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let frame = 0
  const open = (body: Buffer, isLast: boolean): Buffer => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(frame++, isLast))
    decipher.setAAD(Buffer.from(header))
    decipher.setAuthTag(body.subarray(-TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()])
    } catch (cause) {
      throw damagedBackup(cause)
    }
  }
  let pending = Buffer.alloc(0)
  for await (const part of content) {
    pending = Buffer.concat([pending, part])
    for (let end = endOfFrame(pending); end < pending.length; end = endOfFrame(pending)) {
      yield open(pending.subarray(LENGTH_BYTES, end), false)
      pending = pending.subarray(end)
    }
  }
  if (pending.length < LENGTH_BYTES + TAG_BYTES || endOfFrame(pending) !== pending.length)
    throw damagedBackup()
  yield open(pending.subarray(LENGTH_BYTES), true)
}

/** The end of the first frame in bytes; Infinity while its length is incomplete. */
const endOfFrame = (bytes: Buffer): number => {
  if (bytes.length < LENGTH_BYTES) return Number.POSITIVE_INFINITY
  const length = bytes.readUInt32BE(0)
  if (length < TAG_BYTES || length > FRAME_BYTES + TAG_BYTES) throw damagedBackup()
  return LENGTH_BYTES + length
}

const damagedBackup = (cause?: unknown) =>
  new LaresError('invalid_request', 'the backup is damaged, or was cut off: restore another one', { cause })
