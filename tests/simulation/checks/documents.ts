import { documentId, listDocuments } from '../../../functions/memory/documents/store.ts'
import { PASSAGES_COLLECTION, passageIds } from '../../../shared/knowledge/passages.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

const MAX_PASSAGES = 10_000

/** P1 A document that was reported as read is stored whole. P2 Nothing remains of a document that is not kept. */
export async function checkDocuments({
  instance,
  clients,
  replies,
  deadLetters,
}: Findings): Promise<Violations> {
  const { store, objects } = instance.drivers.outside
  const { records } = store
  const violations: Violations = []
  const failed = new Set(deadLetters.map(({ data }) => data.event?.correlationid))
  for (const person of new Set(clients.map(({ script }) => script.person))) {
    const sentMessages = clients
      .filter(({ script }) => script.person === person)
      .flatMap(one => one.acknowledged)
    const stored = await listDocuments(records, person)
    for (const one of stored) {
      const bytes = await objects.get(one.object).catch(() => undefined)
      if (!bytes || documentId(person, bytes) !== one.id)
        violations.push(`P1 the object of ${one.name} of ${person} ${bytes ? 'is another' : 'is not there'}`)
      for (const id of passageIds(one))
        if (!(await records.get({ collection: PASSAGES_COLLECTION, person, id })))
          violations.push(`P1 a passage of ${one.name} of ${person} is not there`)
    }
    const isForgotten = sentMessages.some(({ text }) => text.startsWith('forget the document'))
    for (const { id, name, document } of sentMessages) {
      const isRead = replies.some(({ data }) => data.answers.includes(id) && data.status === 'completed')
      if (document && isRead && !isForgotten && !stored.some(one => one.name === document.name))
        violations.push(`P1 ${name} brought ${document.name}, which is not kept`)
    }
    // Failed work is left as it was, to be retried.
    if (sentMessages.some(({ id }) => failed.has(id))) continue
    const kept = new Set(stored.flatMap(passageIds))
    for (const { id } of await records.list({ collection: PASSAGES_COLLECTION, person, limit: MAX_PASSAGES }))
      if (!kept.has(id)) violations.push(`P2 the passage ${id} of ${person} is of no document`)
    for await (const key of objects.list(`${personFolder(person)}attachments/`))
      if (!stored.some(one => one.object === key))
        violations.push(`P2 an object of ${person} is of no document: ${nameOfSender(key, sentMessages)}`)
  }
  return violations
}

/** Objects are named after the messages that brought them. */
const nameOfSender = (key: string, sentMessages: { id: string; name: string }[]): string =>
  sentMessages.find(({ id }) => key.includes(id))?.name ?? key
