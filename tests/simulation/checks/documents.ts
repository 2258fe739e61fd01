import { documentId, listDocuments } from '../../../functions/memory/documents/store.ts'
import { PASSAGES_COLLECTION, passageIds } from '../../../shared/knowledge/passages.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

const ALL_PASSAGES = 10_000

/** P1 A document that was said to be read is kept whole; P2 and of one that is not kept nothing lies about. */
export async function documentsKept({ house, clients, replies, letters }: Findings): Promise<Violations> {
  const { conversations, objects } = house.drivers.outside
  const { records } = conversations
  const broken: Violations = []
  const failed = new Set(letters.map(({ data }) => data.event?.correlationid))
  for (const person of new Set(clients.map(({ talk }) => talk.person))) {
    const said = clients.filter(({ talk }) => talk.person === person).flatMap(one => one.acknowledged)
    const held = await listDocuments(records, person)
    for (const one of held) {
      const bytes = await objects.get(one.object).catch(() => undefined)
      if (!bytes || documentId(person, bytes) !== one.id)
        broken.push(`P1 the object of ${one.name} of ${person} ${bytes ? 'is another' : 'is not there'}`)
      for (const id of passageIds(one))
        if (!(await records.get({ collection: PASSAGES_COLLECTION, person, id })))
          broken.push(`P1 a passage of ${one.name} of ${person} is not there`)
    }
    const isForgotten = said.some(({ text }) => text.startsWith('forget the document'))
    for (const { id, name, document } of said) {
      const isRead = replies.some(({ data }) => data.answers.includes(id) && data.status === 'completed')
      if (document && isRead && !isForgotten && !held.some(one => one.name === document.name))
        broken.push(`P1 ${name} brought ${document.name}, which is not kept`)
    }
    // What failed for good is left as it was, to be put back.
    if (said.some(({ id }) => failed.has(id))) continue
    const kept = new Set(held.flatMap(passageIds))
    for (const { id } of await records.list({ collection: PASSAGES_COLLECTION, person, limit: ALL_PASSAGES }))
      if (!kept.has(id)) broken.push(`P2 the passage ${id} of ${person} is of no document`)
    for await (const key of objects.list(`${personFolder(person)}attachments/`))
      if (!held.some(one => one.object === key))
        broken.push(`P2 an object of ${person} is of no document: ${nameOf(key, said)}`)
  }
  return broken
}

/** Objects are named after the messages that brought them. */
const nameOf = (key: string, said: { id: string; name: string }[]): string =>
  said.find(({ id }) => key.includes(id))?.name ?? key
