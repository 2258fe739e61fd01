import type { EventData } from '#shared/contract/events/event-types.ts'
import { currentMemories, type Fact, type MemorySource, memoriesByIds } from '#shared/knowledge/memories.ts'
import type { Records } from '#shared/store/store.ts'
import { mayContainFacts, toFact } from './facts.ts'
import { parseMemoryRequest } from './requests.ts'

/** The most memories in the prompt. The model cannot replace an older memory; it can only state the fact again. */
const MAX_KNOWN_MEMORIES = 30

/**
 * The text in which a model should look for facts. Undefined when it cannot contain more facts, or when it is itself a
 * request to memory.
 */
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

/** The facts that a model found. A fact that replaces a memory gets its subject. */
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
