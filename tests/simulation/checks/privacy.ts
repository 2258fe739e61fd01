import { personFolder } from '../../../shared/objects/person-folder.ts'
import { keyIdOfBusRecord } from '../../../shared/protection/sealed-record.ts'
import { abbreviate, GROUP_OWNER, type Plan, plannedMessages, type SentDocument } from '../plan.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

/** In encrypted histories nobody can read a message's text on the log or in the store. */
export async function checkEncryption({ instance }: Findings, plan: Plan): Promise<Violations> {
  if (!plan.isProtected) return []
  const { log, store } = instance
  const violations: Violations = []
  const rows: string[] = []
  for (const person of await store.driver.rows.people())
    for await (const row of store.driver.rows.read(person)) rows.push(JSON.stringify(row))
  const texts = plannedMessages(plan).flatMap(({ text, document }) => [
    text,
    ...(document ? [firstSentence(document)] : []),
  ])
  for (const text of new Set(texts)) {
    if (rows.some(row => row.includes(text)))
      violations.push(`Privacy "${abbreviate(text)}" can be read in the store`)
    for (const topic of log.topics())
      if (log.allRecords(topic).some(({ value }) => value.includes(text)))
        violations.push(`Privacy "${abbreviate(text)}" can be read on ${topic}`)
  }
  return violations
}

/** The part of a document that fits one passage. */
const firstSentence = ({ text }: SentDocument): string => text.slice(0, text.indexOf('.'))

/** Of a forgotten person only later messages can be opened: no work in flight creates a key, or uses another's. */
export async function checkErasure({ instance, leaver }: Findings): Promise<Violations> {
  const { protection, store, objects } = instance.drivers.outside
  if (!leaver || !protection) return []
  const { keys } = protection
  const { conversation, person } = leaver.script
  const violations = new Set<string>()
  let hasSpoken = false
  for (const topic of instance.log.topics())
    for (const record of instance.log.allRecords(topic)) {
      if (record.key !== conversation) continue
      const id = keyIdOfBusRecord(record)
      const key = id === undefined ? undefined : await keys.byId(id)
      if (id === undefined) violations.add(`Privacy an event on ${topic} is not encrypted`)
      if (key && key.person !== person)
        violations.add(
          `Privacy an event of ${person} on ${topic} has the key of ${key.person || 'the system'}`,
        )
      if (key?.person === person && topic === 'lares.message') hasSpoken = true
    }
  const leftKinds = new Set<string>()
  for await (const row of store.rows.read(person)) {
    // Nobody can open the data that a long paused process writes later.
    if (row.kind !== 'conversation' || row.state !== undefined) leftKinds.add(row.kind)
    if (row.kind === 'message' && row.role === 'user') hasSpoken = true
  }
  if (hasSpoken) return [...violations]
  if (await keys.find(person)) violations.add(`Privacy ${person} has a key again, and has said nothing since`)
  for (const kind of leftKinds) violations.add(`Privacy a ${kind} is left of ${person}`)
  for await (const key of objects.list(personFolder(person)))
    if (await objects.get(key).catch(() => undefined)) violations.add(`Privacy an object is left: ${key}`)
  return [...violations]
}

/**
 * A group knows nothing that a member told the assistant alone. What a member says in it, and what follows from it on the
 * log, has that member's key, so that it can be forgotten; so have its rows.
 */
export async function checkGroups({ instance, clients, replies }: Findings): Promise<Violations> {
  const { protection } = instance.drivers.outside
  const violations = new Set<string>()
  for (const { script, acknowledged } of clients) {
    if (script.person !== GROUP_OWNER) continue
    for (const { conversation, data } of replies)
      if (conversation === script.conversation && data.text.includes('green'))
        violations.add(`Privacy the group was told "${abbreviate(data.text)}", which a member told alone`)
    if (!protection) continue
    const senders = new Map(acknowledged.map(({ id, by }) => [id, by]))
    for (const topic of instance.log.topics())
      for (const record of instance.log.allRecords(topic)) {
        const sender = senders.get(record.headers.ce_correlationid ?? '')
        const id = sender === undefined ? undefined : keyIdOfBusRecord(record)
        const owner = id === undefined ? undefined : (await protection.keys.byId(id))?.person
        if (sender !== undefined && owner !== sender)
          violations.add(`Privacy what ${sender} said in a group has on ${topic} the key of ${owner}`)
      }
  }
  return [...violations]
}
