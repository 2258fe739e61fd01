import { type DataKey, keyIdOf, open, sealText, unpack } from './envelope.ts'
import type { Keys } from './keys.ts'

/** The identity of a row, which its content is sealed to. */
export const placeOf = (...parts: string[]): string => JSON.stringify(parts)

/** Opens what is kept as text at a place. Undefined when its key was destroyed: then it is forgotten. Errors: `failed`. */
export async function openText(keys: Keys, place: string, stored: unknown): Promise<string | undefined> {
  const sealed = unpack(stored, place)
  const key = await keys.byId(keyIdOf(sealed, place))
  return key && open(key, place, sealed).toString()
}

export const sealJson = (key: DataKey, place: string, value: unknown): string =>
  sealText(key, place, JSON.stringify(value) ?? 'null')

/** Rows that can still be opened, in their order. */
export async function opened<Row, Opened>(
  rows: Row[],
  one: (row: Row) => Promise<Opened | undefined>,
): Promise<Opened[]> {
  return (await Promise.all(rows.map(one))).filter(row => row !== undefined)
}
