import type { Documents } from '../store/store.ts'

const KEPT = 20

export type DecisionKey = { collection: string; person: string; id: string }

/**
 * Decides something once under an idempotency key, and gives the same decision when the event comes again: what was
 * removed the first time is not there to be found the second time. Of older decisions a person's last few are kept,
 * as an event comes again soon or not at all.
 */
export async function decidedOnce<Decision>(
  documents: Documents,
  key: DecisionKey,
  createdAt: Date,
  decide: () => Promise<Decision>,
): Promise<Decision> {
  const known = await documents.get(key)
  if (known) return known.body as Decision
  const { collection, person, id } = key
  const body = await decide()
  await documents.insert(collection, { id, person, text: '', body, createdAt: createdAt.toISOString() })
  const decisions = await documents.list({ collection, person, limit: 2 * KEPT })
  for (const old of decisions.slice(KEPT)) await documents.delete({ collection, person, id: old.id })
  return body
}
