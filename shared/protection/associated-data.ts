import { type DataKey, decodeEnvelope, keyIdOf, sealText, unseal } from './envelope.ts'
import type { Keys } from './keys.ts'

/** The identity of a row, which its content is sealed to. */
export const aadOf = (...parts: string[]): string => JSON.stringify(parts)

/** Opens what is kept as text at a place. Undefined when its key was destroyed: then it is forgotten. Errors: `failed`. */
export async function unsealText(keys: Keys, aad: string, stored: unknown): Promise<string | undefined> {
  const sealed = decodeEnvelope(stored, aad)
  const key = await keys.byId(keyIdOf(sealed, aad))
  return key && unseal(key, aad, sealed).toString()
}

export const sealJson = (key: DataKey, aad: string, value: unknown): string =>
  sealText(key, aad, JSON.stringify(value) ?? 'null')

/** Rows that can still be opened, in their order. */
export async function unsealAll<Row, Opened>(
  rows: Row[],
  unsealOne: (row: Row) => Promise<Opened | undefined>,
): Promise<Opened[]> {
  return (await Promise.all(rows.map(unsealOne))).filter(row => row !== undefined)
}
