import { randomBytes } from 'node:crypto'
import type { BusMessage, BusRecord } from '../bus/bus.ts'
import { placeOf } from './associated-data.ts'
import { type DataKey, dataKey, keyIdOf, open, seal } from './envelope.ts'

/**
 * An event on the log: its attributes (ids, type, conversation, time) stay readable, as whoever routes it needs them; its
 * data is an envelope. To a reader of CloudEvents it is data of another content type, whose own is in an extension.
 */
const SEALED = 'application/vnd.lares.sealed'
const INNER_TYPE = 'ce_sealedcontenttype'

const placeOfRecord = ({ topic, key, headers }: Pick<BusMessage, 'topic' | 'key' | 'headers'>) =>
  placeOf('event', topic, key, headers.ce_id ?? '', headers.ce_type ?? '')

export function sealRecord(key: DataKey, message: BusMessage): BusMessage {
  const { 'content-type': inner = '', ...headers } = message.headers
  return {
    ...message,
    headers: { 'content-type': SEALED, ...headers, [INNER_TYPE]: inner },
    value: seal(key, placeOfRecord(message), message.value),
  }
}

/**
 * Encrypted so that nobody can read it: what a turn still says of a person who was forgotten meanwhile. Its key is in no
 * ring; under the id of the one that was destroyed it would look damaged to a process that has that one still at hand.
 */
export const shredRecord = (message: BusMessage): BusMessage =>
  sealRecord(dataKey(randomBytes(16).toString('hex'), '', randomBytes(32)), message)

/** The key that it needs; undefined for a record that is not encrypted: what other programs put on the log. Errors: `failed`. */
export const keyIdOfRecord = (record: BusRecord): string | undefined =>
  record.headers['content-type'] === SEALED ? keyIdOf(record.value, placeOfRecord(record)) : undefined

/** Errors: `failed`. */
export function openRecord(key: DataKey, record: BusRecord): BusRecord {
  const value = open(key, placeOfRecord(record), record.value)
  const { 'content-type': _, [INNER_TYPE]: inner = '', ...headers } = record.headers
  return { ...record, headers: { ...(inner !== '' && { 'content-type': inner }), ...headers }, value }
}

export const forgottenRecord = (record: BusRecord): BusRecord => ({
  ...record,
  value: Buffer.alloc(0),
  forgotten: true,
})
