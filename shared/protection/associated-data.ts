import { type DataKey, decodeEnvelope, keyIdOf, sealText, unseal } from './envelope.ts'
import type { Keys } from './keys.ts'

/** The identity of a row; its encrypted content is bound to it. */
export const aadOf = (...parts: string[]): string => JSON.stringify(parts)

/**
 * Decrypts the text stored at a place. Undefined if its key was destroyed: the text is then forgotten. Errors:
 * `failed`.
 */
export async function unsealText(keys: Keys, aad: string, stored: unknown): Promise<string | undefined> {
  const sealed = decodeEnvelope(stored, aad)
  const key = await keys.byId(keyIdOf(sealed, aad))
  return key && unseal(key, aad, sealed).toString()
}

export const sealJson = (key: DataKey, aad: string, value: unknown): string =>
  sealText(key, aad, JSON.stringify(value) ?? 'null')

/** The rows that can still be decrypted, in their order. */
export async function unsealAll<Row, Opened>(
  rows: Row[],
  unsealOne: (row: Row) => Promise<Opened | undefined>,
): Promise<Opened[]> {
  return (await Promise.all(rows.map(unsealOne))).filter(row => row !== undefined)
}
