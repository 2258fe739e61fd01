import { parse, v7 as uuidv7 } from 'uuid'
import { lazy } from '../../base/concurrency/lazy.ts'

/** Namespace of all Lares ids: the UUIDv5 of "lares" in the OID namespace of RFC 9562. */
const NAMESPACE = parse('edadc0c1-120b-5e03-b95c-a9fc9135f939')

/** A fresh, time-ordered id (RFC 9562, version 7). */
export const newId = (): string => uuidv7()

/**
 * The id of the `index`th event that `producer` emits because of `causingId` (RFC 9562, version 5). The same cause
 * gives the same ids again, so readers recognise an event that is published twice.
 */
export const derivedId = (causingId: string, producer: string, index: number): string =>
  uuidV5(`${causingId}/${producer}/${index}`)

/**
 * The id of a message that its sender has named with a key. The same person, conversation and key give the same
 * message.
 */
export const keyedId = (person: string, conversation: string, key: string): string =>
  uuidV5(JSON.stringify([person, conversation, key]))

/** Lares does not import this module: that takes 12 ms of a function's start, when no id is needed yet. */
const nodeCrypto = lazy(() => process.getBuiltinModule('node:crypto'))

/** RFC 9562, section 5.5. Each event needs such an id; the library's `v5` takes three times as long. */
function uuidV5(name: string): string {
  const hex = nodeCrypto().hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name)]), 'hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 0b0011) | 0b1000).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
