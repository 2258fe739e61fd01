import * as z from 'zod'
import { toLaresError } from '#shared/base/errors.ts'
import { decideOnce } from '#shared/contract/decision.ts'
import type { Message } from '#shared/contract/events/event-types.ts'
import type { MemorySource } from '#shared/knowledge/memories.ts'
import { MAX_DOCUMENTS } from '#shared/knowledge/passages.ts'
import { documentKindOf, documentKindSchema, documentProblemSchema } from '../readers/document.ts'
import type { ReadBudget } from '../readers/document-reader.ts'
import type { IngestOutcome } from './messages.ts'
import {
  discardAttachment,
  documentId,
  findDocument,
  type KnowledgeBaseDependencies,
  listDocuments,
  type StoredDocument,
  storeDocument,
} from './store.ts'

/** For all documents of a message together, counted from the start of the first. */
const READ_TIMEOUT_MS = 25_000

type Attachment = Message['attachments'][number]
/** `id`: of the document, where it could be read. */
const ingestResultSchema = z
  .object({ name: z.string(), id: z.string().optional(), object: z.string() })
  .and(
    z.union([
      z.object({ kind: documentKindSchema, count: z.int(), before: z.string().optional() }),
      z.object({ problem: z.union([documentProblemSchema, z.literal('full')]) }),
    ]),
  )
type IngestResult = z.infer<typeof ingestResultSchema>

/**
 * Reads and keeps the documents of a message, and returns a result for each. It reads the documents of a repeated
 * message only once, so that a document forgotten since does not come back. Returns undefined without documents.
 */
export async function ingest(
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<IngestResult[] | undefined> {
  const { attachments, person, text } = message
  // Skips an unreadable attachment when the message has words, because the function that handles the words may use it.
  const readable = attachments.filter(one => documentKindOf(one) !== undefined || text.trim() === '')
  if (readable.length === 0) return undefined
  const key = { collection: 'library-taken', person, id: source.message }
  const results = await decideOnce(
    dependencies.records,
    key,
    new Date(source.saidAt),
    async () => {
      const budget = { leftMs: READ_TIMEOUT_MS }
      const all: IngestResult[] = []
      for (const one of readable)
        all.push(await ingestAttachment(one, person, source.saidAt, budget, dependencies))
      return all
    },
    z.array(ingestResultSchema),
  )
  for (const result of results) {
    const { id, object } = result
    // The document may have come with another object, or be forgotten since. A message that is sent twice brings it
    // again.
    const isStored =
      id !== undefined && (await findDocument(dependencies.records, person, id))?.object === object
    // A picture is not a document, and another function may read it.
    const isKept = isStored || ('problem' in result && result.problem === 'unknown')
    if (!isKept) await discardAttachment(dependencies, person, object)
  }
  return results
}

async function ingestAttachment(
  { name, mediaType, object }: Attachment,
  person: string,
  at: string,
  budget: ReadBudget,
  dependencies: KnowledgeBaseDependencies,
): Promise<IngestResult> {
  const { records, objects, log, signal, state } = dependencies
  const failure = (problem: Extract<IngestOutcome, { problem: unknown }>['problem']): IngestResult => ({
    name,
    problem,
    object,
  })
  const kind = documentKindOf({ name, mediaType })
  if (kind === undefined) return failure('unknown')
  const bytes = await objects.get(object).catch(error => {
    if (toLaresError(error).code === 'not_found') return undefined
    throw error
  })
  if (!bytes) return failure('gone')
  const id = documentId(person, bytes)
  const existing = await findDocument(records, person, id)
  if (existing) return toIngestResult(existing, { name, object })
  if ((await listDocuments(records, person)).length >= MAX_DOCUMENTS) return failure('full')
  const outcome = await state.reader.read({ bytes, kind, person, budget, signal })
  if ('problem' in outcome) {
    log.info({ problem: outcome.problem, kind, bytes: bytes.length }, 'a document cannot be read')
    return failure(outcome.problem)
  }
  const { pieces, count } = outcome
  const stored = await storeDocument(dependencies, person, { id, name, kind, count, object, at }, pieces)
  return toIngestResult(stored, { name, object })
}

/** The stored document may come from this very message, even when an earlier attempt was interrupted. */
function toIngestResult(
  { id, kind, count, name: before, object: storedObject }: StoredDocument,
  { name, object }: { name: string; object: string },
): IngestResult {
  return { name, kind, count, id, object, ...(storedObject !== object && { before }) }
}
