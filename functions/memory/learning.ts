import type { EventData } from '#shared/contract/events/event-types.ts'
import { currentMemories, type Fact, type MemorySource, memoriesByIds } from '#shared/knowledge/memories.ts'
import type { Records } from '#shared/store/store.ts'
import { mayContainFacts, toFact } from './facts.ts'
import { parseMemoryRequest } from './requests.ts'

/** What a prompt can well hold; older ones can only be said anew, not be replaced. */
const MAX_KNOWN_MEMORIES = 30

/** What a model is to look for facts in; undefined where the rules have done all there is, or nothing may be kept. */
export async function learningRequestFor(
  text: string,
  person: string,
  { message, saidAt }: MemorySource,
  records: Records,
): Promise<EventData<'lares.learning.requested'> | undefined> {
  if (!mayContainFacts(text) || parseMemoryRequest(text)) return undefined
  const known = (await currentMemories(records, person)).slice(0, MAX_KNOWN_MEMORIES)
  return { person, message, text, saidAt, known: known.map(({ id, text }) => ({ id, text })) }
}

/** What a model has found, as facts: one that replaces another is about the same subject. */
export async function toFacts(
  { person, facts }: EventData<'lares.facts.learnt'>,
  records: Records,
): Promise<Fact[]> {
  const replaced = await memoriesByIds(
    records,
    person,
    facts.flatMap(({ replaces }) => replaces ?? []),
  )
  return facts.map(({ text, replaces }) => {
    const fact = toFact(text)
    const before = replaced.find(({ id }) => id === replaces)
    return before ? { ...fact, subject: before.subject } : fact
  })
}
