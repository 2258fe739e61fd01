import { toLaresError } from '#shared/base/errors.ts'
import { decidedOnce } from '#shared/contract/decision.ts'
import type { Message } from '#shared/contract/events/event-types.ts'
import type { Source } from '#shared/knowledge/memories.ts'
import { MAX_DOCUMENTS } from '#shared/knowledge/passages.ts'
import { kindOf } from '../readers/document.ts'
import { readApart } from '../readers/sandbox.ts'
import type { Taken } from './messages.ts'
import { allHeld, discard, documentId, type Held, held, keep, type Tools } from './store.ts'

/** For all documents of a message together. */
const READ_LIMIT_MS = 25_000

type Attachment = Message['attachments'][number]
/** `id`: of the document, where it could be read. */
type Result = Taken & { id?: string; object: string }

/**
 * Reads the documents that a message brings, and keeps them; gives back what became of each. A message that comes again
 * reads nothing again, so that what was forgotten since does not come back. Undefined when it brings none.
 */
export async function takeIn(message: Message, source: Source, tools: Tools): Promise<Result[] | undefined> {
  const { attachments, person, text } = message
  // With words, what cannot be read here is left to whom the words are for.
  const mine = attachments.filter(one => kindOf(one) !== undefined || text.trim() === '')
  if (mine.length === 0) return undefined
  const key = { collection: 'library-taken', person, id: source.message }
  const results = await decidedOnce(tools.documents, key, new Date(source.saidAt), async () => {
    const endsAt = performance.now() + READ_LIMIT_MS
    const all: Result[] = []
    for (const one of mine) all.push(await take(one, person, source.saidAt, endsAt, tools))
    return all
  })
  for (const result of results) {
    const { id, object } = result
    // The document may have come with another object, or be forgotten since; a message that is sent twice brings it again.
    const isHeld = id !== undefined && (await held(tools.documents, person, id))?.object === object
    // A picture is no document, and may be somebody else's to look at.
    const isKept = isHeld || ('problem' in result && result.problem === 'unknown')
    if (!isKept) await discard(tools, person, object)
  }
  return results
}

async function take(
  { name, mediaType, object }: Attachment,
  person: string,
  at: string,
  endsAt: number,
  tools: Tools,
): Promise<Result> {
  const { documents, objects, log, signal } = tools
  const refused = (problem: Extract<Taken, { problem: unknown }>['problem']): Result => ({
    name,
    problem,
    object,
  })
  const kind = kindOf({ name, mediaType })
  if (kind === undefined) return refused('unknown')
  const bytes = await objects.get(object).catch(error => {
    if (toLaresError(error).code === 'not_found') return undefined
    throw error
  })
  if (!bytes) return refused('gone')
  const id = documentId(person, bytes)
  const known = await held(documents, person, id)
  if (known) return takenAs(known, { name, object })
  if ((await allHeld(documents, person)).length >= MAX_DOCUMENTS) return refused('full')
  const outcome = await readApart(bytes, kind, { timeoutMs: Math.max(1, endsAt - performance.now()), signal })
  if ('problem' in outcome) {
    log.info({ problem: outcome.problem, kind, bytes: bytes.length }, 'a document cannot be read')
    return refused(outcome.problem)
  }
  const { pieces, count } = outcome
  const kept = await keep(tools, person, { id, name, kind, count, object, at }, pieces)
  return takenAs(kept, { name, object })
}

/** What is kept may be this very message's, also when it was cut short before. */
function takenAs(
  { id, kind, count, name: before, object: kept }: Held,
  { name, object }: { name: string; object: string },
): Result {
  return { name, kind, count, id, object, ...(kept !== object && { before }) }
}
