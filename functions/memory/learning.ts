import type { EventData } from '#shared/contract/events/event-types.ts'
import { byIds, everything, type Fact, type Source } from '#shared/knowledge/memories.ts'
import type { Documents } from '#shared/store/store.ts'
import { factOf, mayHoldFacts } from './facts.ts'
import { requestIn } from './requests.ts'

/** What a prompt can well hold; older ones can only be said anew, not be replaced. */
const MAX_KNOWN = 30

/** What a model is to look for facts in; undefined where the rules have done all there is, or nothing may be kept. */
export async function toLearnFrom(
  text: string,
  person: string,
  { message, saidAt }: Source,
  documents: Documents,
): Promise<EventData<'lares.learning.requested'> | undefined> {
  if (!mayHoldFacts(text) || requestIn(text)) return undefined
  const known = (await everything(documents, person)).slice(0, MAX_KNOWN)
  return { person, message, text, saidAt, known: known.map(({ id, text }) => ({ id, text })) }
}

/** What a model has found, as facts: one that replaces another is about the same subject. */
export async function learnt(
  { person, facts }: EventData<'lares.facts.learnt'>,
  documents: Documents,
): Promise<Fact[]> {
  const replaced = await byIds(
    documents,
    person,
    facts.flatMap(({ replaces }) => replaces ?? []),
  )
  return facts.map(({ text, replaces }) => {
    const fact = factOf(text)
    const before = replaced.find(({ id }) => id === replaces)
    return before ? { ...fact, subject: before.subject } : fact
  })
}
