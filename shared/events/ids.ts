import { v5 as uuidv5, v7 as uuidv7 } from 'uuid'

/** Namespace of all Lares ids, itself the UUIDv5 of "lares" in the OID namespace. */
const NAMESPACE = uuidv5('lares', '6ba7b812-9dad-11d1-80b4-00c04fd430c8')

/** A fresh, time-ordered id (RFC 9562, version 7). */
export const newId = (): string => uuidv7()

/**
 * The id of the `index`th event that `producer` makes because of `causingId` (RFC 9562, version 5).
 * The same cause gives the same ids again, so whatever is published twice can be told by its id.
 */
export const derivedId = (causingId: string, producer: string, index: number): string =>
  uuidv5(`${causingId}/${producer}/${index}`, NAMESPACE)

/** The id of a message that its sender has named with a key: the same person, conversation and key are the same message. */
export const keyedId = (person: string, conversation: string, key: string): string =>
  uuidv5(JSON.stringify([person, conversation, key]), NAMESPACE)
