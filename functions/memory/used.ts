import type { Documents } from '../../shared/conversations/conversations.ts'

/** By conversation: which memories its last answer came from. Ids alone, so that what is forgotten is not kept here. */
const USED = 'memories-used'

/** `at`: when the message was said that they served. */
export type Used = { ids: string[]; at: string }

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
  if (known ? known.at > used.at || same(known.ids, used.ids) : used.ids.length === 0) return
  const { collection, id } = keyOf(person, conversation)
  await documents.put(collection, { id, person, text: '', body: used, createdAt: used.at })
}

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every((id, i) => id === b[i])
