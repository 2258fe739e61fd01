import { aadOf } from './associated-data.ts'
import { type DataKey, decodeEnvelope, keyIdOf, sealText, unseal } from './envelope.ts'
import type { Keys } from './keys.ts'

/**
 * Parts of a JSON value that one member of a group said, or that answer them: each object with a `sender.person`. They are
 * sealed with that person's key before the whole is sealed with the group's, so that forgetting the member takes them out
 * of states and outcomes, in backups too, and leaves the rest.
 */

type SealedPart = { sealedPart: string }

/** Reads a key that is at hand. Throws what makes the caller fetch the key and begin anew. Undefined: it was destroyed. */
export type KeyReader = (by: { person: string } | { id: string }) => DataKey | undefined

const aadOfPart = (place: string) => aadOf('part', place)

/** A turn has its sender in its message, and a queued one in the message of what was recalled. */
const MAX_DEPTH = 2

/** The member whose part an object is, by its own sender or that of an object in it; lists are looked at item by item. */
function senderOf(value: object, depth = MAX_DEPTH): string | undefined {
  const { sender } = value as { sender?: { person?: unknown } | null }
  if (typeof sender?.person === 'string') return sender.person
  if (depth === 0) return undefined
  for (const part of Object.values(value)) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) continue
    const found = senderOf(part, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Seals the parts of a state or of a list of drafts. Nothing is kept of a member without a key. */
export const sealParts = (whole: unknown, place: string, keyOf: KeyReader): unknown =>
  typeof whole === 'object' && whole !== null ? mapParts(whole, part => sealPart(part, place, keyOf)) : whole

function sealPart(value: unknown, place: string, keyOf: KeyReader): unknown {
  if (typeof value !== 'object' || value === null) return value
  const person = Array.isArray(value) ? undefined : senderOf(value)
  if (person !== undefined) {
    const key = keyOf({ person })
    return key ? { sealedPart: sealText(key, aadOfPart(place), JSON.stringify(value)) } : null
  }
  return mapParts(value, part => sealPart(part, place, keyOf))
}

/** A part whose key was destroyed is null, and is left out of a list. */
export function unsealParts(value: unknown, place: string, keyOf: KeyReader): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { sealedPart } = value as Partial<SealedPart>
  if (sealedPart === undefined) return mapParts(value, part => unsealParts(part, place, keyOf))
  const sealed = decodeEnvelope(sealedPart, aadOfPart(place))
  const key = keyOf({ id: keyIdOf(sealed, aadOfPart(place)) })
  return key ? JSON.parse(unseal(key, aadOfPart(place), sealed).toString()) : null
}

function mapParts(value: object, map: (part: unknown) => unknown): unknown {
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, map(part)]))
  return value
    .map(part => [part, map(part)])
    .flatMap(([before, after]) => (before !== null && after === null ? [] : [after]))
}

/** The same for those who can wait for keys. */
export async function unsealPartsWith(keys: Keys, value: unknown, place: string): Promise<unknown> {
  const loaded = new Map<string, DataKey | undefined>()
  for (;;) {
    let missing: string | undefined
    const opened = unsealParts(value, place, wanted => {
      const id = 'id' in wanted ? wanted.id : ''
      if (!loaded.has(id)) missing ??= id
      return loaded.get(id)
    })
    if (missing === undefined) return opened
    loaded.set(missing, await keys.byId(missing))
  }
}

/** For those who move a whole instance: a member who has no key yet gets one. */
export async function sealPartsWith(keys: Keys, value: unknown, place: string): Promise<unknown> {
  const loaded = new Map<string, DataKey>()
  for (;;) {
    let missing: string | undefined
    const sealed = sealParts(value, place, wanted => {
      const person = 'person' in wanted ? wanted.person : ''
      if (!loaded.has(person)) missing ??= person
      return loaded.get(person)
    })
    if (missing === undefined) return sealed
    loaded.set(missing, await keys.getOrCreate(missing))
  }
}
