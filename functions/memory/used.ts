import type { Documents } from '../../shared/conversations/conversations.ts'

/** By conversation: which memories its last answer came from. Ids alone, so that what is forgotten is not kept here. */
const USED = 'memories-used'

/**
 * Of which things the last answer asked which to forget, by their ids, and to which message. `answered`: by which message,
 * and which of them it meant.
 */
export type Asked = {
  about: 'memories' | 'documents'
  by: string
  ids: string[]
  answered?: { message: string; ids: string[] }
}

/** `at`: when the message was said that they served. */
export type Used = { ids: string[]; at: string; asked?: Asked | undefined }

const keyOf = (person: string, conversation: string) => ({ collection: USED, person, id: conversation })

/** What the last answer of this person's conversation came from. */
export async function lastUsed(
  documents: Documents,
  person: string,
  conversation: string,
): Promise<Used | undefined> {
  return (await documents.get(keyOf(person, conversation)))?.body as Used | undefined
}

/** A message that comes a second time changes nothing that later ones have noted. */
export async function noteUsed(
  documents: Documents,
  person: string,
  conversation: string,
  used: Used,
): Promise<void> {
  const known = await lastUsed(documents, person, conversation)
  if (known ? known.at > used.at || isSame(known, used) : isEmpty(used)) return
  const { collection, id } = keyOf(person, conversation)
  await documents.put(collection, { id, person, text: '', body: used, createdAt: used.at })
}

const isEmpty = ({ ids, asked }: Used): boolean => ids.length === 0 && !asked
const isSame = (known: Used, used: Used): boolean => !known.asked && !used.asked && same(known.ids, used.ids)

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every((id, i) => id === b[i])
