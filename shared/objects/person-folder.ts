import { LaresError } from '../base/errors.ts'

const PEOPLE_PREFIX = 'people/'
const MAX_NAME_LENGTH = 200

/**
 * Where a person's objects are, so that they are encrypted with the person's key, and found when the person is forgotten.
 * Ends with a slash. Errors: `invalid_request` for a name of more than 150 bytes.
 */
export function personFolder(person: string): string {
  const name = Buffer.from(person).toString('base64url')
  if (name.length === 0 || name.length > MAX_NAME_LENGTH)
    throw new LaresError(
      'invalid_request',
      `a person whose name has ${Buffer.byteLength(person)} bytes can have no objects`,
    )
  return `${PEOPLE_PREFIX}${name}/`
}

/** The person who owns the object; empty for the system. */
export function personOfKey(key: string): string {
  const name = /^people\/([\w-]+)\//.exec(key)?.[1]
  return name === undefined ? '' : Buffer.from(name, 'base64url').toString()
}
