import { LaresError } from '../base/errors.ts'

const PEOPLE_PREFIX = 'people/'
const MAX_NAME_LENGTH = 200

/**
 * The folder of a person's objects: the folder decides their key, and forgetting the person finds them there. Ends with
 * a slash. Errors: `invalid_request` for a name of more than 150 bytes.
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

/** The owner of the object; empty for the system. */
export function personOfKey(key: string): string {
  const name = /^people\/([\w-]+)\//.exec(key)?.[1]
  return name === undefined ? '' : Buffer.from(name, 'base64url').toString()
}
