import { randomBytes } from 'node:crypto'
import type { BusMessage, BusRecord } from '../bus/bus.ts'
import { aadOf } from './associated-data.ts'
import { type DataKey, deriveDataKey, keyIdOf, seal, unseal } from './envelope.ts'

/**
 * Encrypts an event on the log. Its attributes (ids, type, conversation, time) stay readable, because routing needs
 * them; its data is an envelope. A reader of CloudEvents sees data of another content type; an extension has the
 * original type.
 */
const SEALED_MEDIA_TYPE = 'application/vnd.lares.sealed'
const INNER_TYPE_HEADER = 'ce_sealedcontenttype'

const aadOfBusRecord = ({ topic, key, headers }: Pick<BusMessage, 'topic' | 'key' | 'headers'>) =>
  aadOf('event', topic, key, headers.ce_id ?? '', headers.ce_type ?? '')

export function sealBusRecord(key: DataKey, message: BusMessage): BusMessage {
  const { 'content-type': inner = '', ...headers } = message.headers
  return {
    ...message,
    headers: { 'content-type': SEALED_MEDIA_TYPE, ...headers, [INNER_TYPE_HEADER]: inner },
    value: seal(key, aadOfBusRecord(message), message.value),
  }
}

/**
 * Encrypts a record so that nobody can read it: a turn's further words about a person who was forgotten meanwhile. Its
 * key is in no ring. Under the id of the destroyed key, a process that still caches that key would take the record for
 * damaged.
 */
export const shredBusRecord = (message: BusMessage): BusMessage =>
  sealBusRecord(deriveDataKey(randomBytes(16).toString('hex'), '', randomBytes(32)), message)

/**
 * The id of the key that decrypts the record. Undefined for unencrypted records, which other programs put on the log.
 * Errors: `failed`.
 */
export const keyIdOfBusRecord = (record: BusRecord): string | undefined =>
  record.headers['content-type'] === SEALED_MEDIA_TYPE
    ? keyIdOf(record.value, aadOfBusRecord(record))
    : undefined

/** Errors: `failed`. */
export function unsealBusRecord(key: DataKey, record: BusRecord): BusRecord {
  const value = unseal(key, aadOfBusRecord(record), record.value)
  const { 'content-type': _, [INNER_TYPE_HEADER]: inner = '', ...headers } = record.headers
  return { ...record, headers: { ...(inner !== '' && { 'content-type': inner }), ...headers }, value }
}

export const erasedBusRecord = (record: BusRecord): BusRecord => ({
  ...record,
  value: Buffer.alloc(0),
  erased: true,
})
