import { personFolder } from '../../../shared/objects/person-folder.ts'
import { keyIdOfBusRecord } from '../../../shared/protection/sealed-record.ts'
import { type Plan, type SentDocument, saysIn, shown } from '../plan.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

/** Where everything is encrypted nobody reads on the log or in the store what people said. */
export async function readable({ house }: Findings, plan: Plan): Promise<Violations> {
  if (!plan.isProtected) return []
  const { log, store } = house
  const broken: Violations = []
  const rows: string[] = []
  for (const person of await store.driver.rows.people())
    for await (const row of store.driver.rows.read(person)) rows.push(JSON.stringify(row))
  const texts = saysIn(plan).flatMap(({ text, document }) => [
    text,
    ...(document ? [beginningOf(document)] : []),
  ])
  for (const text of new Set(texts)) {
    if (rows.some(row => row.includes(text))) broken.push(`Privacy "${shown(text)}" can be read in the store`)
    for (const topic of log.topics())
      if (log.all(topic).some(({ value }) => value.includes(text)))
        broken.push(`Privacy "${shown(text)}" can be read on ${topic}`)
  }
  return broken
}

/** As much of a document as stands in one passage. */
const beginningOf = ({ text }: SentDocument): string => text.slice(0, text.indexOf('.'))

/** Of who was forgotten nothing opens but what was said since: no work that was under way makes a key, or takes another's. */
export async function forgotten({ house, leaving }: Findings): Promise<Violations> {
  const { protection, conversations, objects } = house.drivers.outside
  if (!leaving || !protection) return []
  const { keys } = protection
  const { conversation, person } = leaving.talk
  const broken = new Set<string>()
  let hasSpoken = false
  for (const topic of house.log.topics())
    for (const record of house.log.all(topic)) {
      if (record.key !== conversation) continue
      const id = keyIdOfBusRecord(record)
      const key = id === undefined ? undefined : await keys.byId(id)
      if (id === undefined) broken.add(`Privacy an event on ${topic} is not encrypted`)
      if (key && key.person !== person)
        broken.add(`Privacy an event of ${person} on ${topic} has the key of ${key.person || 'the house'}`)
      if (key?.person === person && topic === 'lares.message') hasSpoken = true
    }
  const kinds = new Set<string>()
  for await (const row of conversations.rows.read(person)) {
    // What a process writes that stood still for long meanwhile opens for nobody.
    if (row.kind !== 'conversation' || row.state !== undefined) kinds.add(row.kind)
    if (row.kind === 'message' && row.role === 'user') hasSpoken = true
  }
  if (hasSpoken) return [...broken]
  if (await keys.find(person)) broken.add(`Privacy ${person} has a key again, and has said nothing since`)
  for (const kind of kinds) broken.add(`Privacy a ${kind} is left of ${person}`)
  for await (const key of objects.list(personFolder(person)))
    if (await objects.get(key).catch(() => undefined)) broken.add(`Privacy an object is left: ${key}`)
  return [...broken]
}
