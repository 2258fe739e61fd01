import type { Documents } from '#shared/store/store.ts'

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

/** Read once for a message, however many ask: those of one conversation are handled one after the other. */
export type LastUsed = {
  /** What the last answer of this person's conversation came from. */
  last(): Promise<Used | undefined>
  /** A message that comes a second time changes nothing that later ones have noted. */
  note(used: Used): Promise<void>
}

export function openLastUsed(documents: Documents, person: string, conversation: string): LastUsed {
  const key = { collection: USED, person, id: conversation }
  let reading: Promise<Used | undefined> | undefined
  const last = () => {
    reading ??= documents.get(key).then(found => found?.body as Used | undefined)
    return reading
  }
  return {
    last,
    async note(used) {
      const known = await last()
      if (known ? known.at > used.at || isSame(known, used) : isEmpty(used)) return
      await documents.put(USED, { id: conversation, person, text: '', body: used, createdAt: used.at })
      reading = Promise.resolve(used)
    },
  }
}

const isEmpty = ({ ids, asked }: Used): boolean => ids.length === 0 && !asked
const isSame = (known: Used, used: Used): boolean => !known.asked && !used.asked && same(known.ids, used.ids)

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every((id, i) => id === b[i])
