import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'
import type { Stores } from './stores.ts'

/** The owner's person, which no file names. */
const OWNER = 'owner'
const MAX_LISTED_PEOPLE = 10

/**
 * Refuses a name without any data here: a mistyped name would otherwise look like success.
 * Errors: `not_found`, naming the people who are known; `invalid_request` for an empty name.
 */
export async function requireKnownPerson(
  person: string,
  { configDirectory }: Environment,
  stores: Pick<Stores, 'store' | 'vectors' | 'objects' | 'protection'>,
): Promise<void> {
  if (person === '') throw new LaresError('invalid_request', 'name a person: the name given is empty')
  const configured = readConfig(configDirectory, 'gateway').people.map(one => one.person)
  const stored = await stores.store.rows.people()
  // Records of nobody, as the catalogue's, have an empty person.
  const known = [...new Set([OWNER, ...configured, ...stored])].filter(name => name !== '')
  if (known.includes(person) || (await hasAnything(person, stores))) return
  const names = known.slice(0, MAX_LISTED_PEOPLE).join(', ')
  const more = known.length > MAX_LISTED_PEOPLE ? ` and ${known.length - MAX_LISTED_PEOPLE} more` : ''
  throw new LaresError('not_found', `nobody is known here as "${person}": known are ${names}${more}`)
}

/** Whether an interrupted erasure may have left data of the person. */
async function hasAnything(
  person: string,
  { vectors, objects, protection }: Pick<Stores, 'vectors' | 'objects' | 'protection'>,
): Promise<boolean> {
  if ((await protection?.keys.idOf(person)) !== undefined) return true
  for await (const _ of objects.list(personFolder(person))) return true
  for (const model of await vectors.models())
    if ((await (await vectors.index(model)).count(person)) > 0) return true
  return false
}
