import { aadOf } from './associated-data.ts'
import { type DataKey, decodeEnvelope, keyIdOf, sealText, unseal } from './envelope.ts'
import type { Keys } from './keys.ts'

/**
 * Seals parts of a JSON value that one member of a group said, or that answer that member: each object with a
 * `sender.person`. A part is sealed with the member's key before the whole value is sealed with the group's key.
 * Forgetting the member then removes those parts from states and outcomes, in backups too, and leaves the rest.
 */

type SealedPart = { sealedPart: string }

/**
 * Reads a key from the caller's cache; undefined if it was destroyed. Throws if the caller must fetch the key and start
 * again.
 */
export type KeyReader = (by: { person: string } | { id: string }) => DataKey | undefined

const aadOfPart = (place: string) => aadOf('part', place)

/** A turn has its sender in its message; a queued message has its sender in `recalled.message`, one level deeper. */
const MAX_DEPTH = 2

/**
 * The member whom an object belongs to, by its own sender or that of an object in it. Lists are searched item by item.
 */
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

/** Seals the parts of a state or of a list of drafts. Parts of a member without a key are dropped. */
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

/** A part whose key was destroyed becomes null, and is left out of a list. */
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

/** The same for callers that can wait for keys. */
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

/** The same for moving a whole instance: a member without a key gets one. */
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
