import type * as z from 'zod'
import { parseRecordBody } from '../store/record-body.ts'
import type { Records } from '../store/store.ts'

const MAX_KEPT_DECISIONS = 20

export type DecisionKey = { collection: string; person: string; id: string }

/**
 * Decides something once under an idempotency key, and returns the same decision when the event comes again. Deciding
 * again could differ: an entry that the first run removed is not there for the second. The store keeps only a person's
 * last few decisions, because an event comes again soon or not at all. `schema` checks the decision when it is read
 * back from the store.
 */
export async function decideOnce<Decision>(
  records: Records,
  key: DecisionKey,
  createdAt: Date,
  decide: () => Promise<Decision>,
  schema: z.ZodType<Decision>,
): Promise<Decision> {
  const known = await records.get(key)
  const { collection, person, id } = key
  if (known) return parseRecordBody(schema, collection, known)
  const body = await decide()
  await records.insert(collection, { id, person, text: '', body, createdAt: createdAt.toISOString() })
  const decisions = await records.list({ collection, person, limit: 2 * MAX_KEPT_DECISIONS })
  for (const old of decisions.slice(MAX_KEPT_DECISIONS))
    await records.delete({ collection, person, id: old.id })
  return body
}
