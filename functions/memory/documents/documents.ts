import type { Intent, Message } from '#shared/contract/events/event-types.ts'
import type { MemorySource } from '#shared/knowledge/memories.ts'
import { syncVectors } from './dense-retrieval.ts'
import { handleDocumentRequest } from './document-requests.ts'
import { ingest } from './ingestion.ts'
import { messagesIn } from './messages.ts'
import { isQuestion } from './query.ts'
import { parseDocumentRequest } from './requests.ts'
import { type RetrievalResult, retrieve } from './retrieval.ts'
import type { KnowledgeBaseDependencies } from './store.ts'

/**
 * `notice`: text before the reply. `isAll`: the notice is the whole reply, unless the memories have an answer. `asked`:
 * ids of the documents among which the person must choose.
 */
export type KnowledgeBaseResult = RetrievalResult & { notice?: string; isAll?: boolean; asked?: string[] }

/**
 * Handles the documents of a message: reads and keeps its attachments, and executes its request about documents.
 * Returns undefined when the message has neither. Memory may then still search the documents.
 */
export async function handleDocuments(
  message: Message,
  intent: Intent,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<KnowledgeBaseResult | undefined> {
  const { person, text, language } = message
  const ingested = await ingest(message, source, dependencies)
  if (!ingested) {
    const request = parseDocumentRequest(text, language)
    return request && (await handleDocumentRequest(request, message, source, dependencies))
  }
  const ids = ingested.flatMap(({ id }) => id ?? [])
  if (ids.length > 0) void syncVectors(person, dependencies)
  const notice = ingested.map(one => messagesIn(language).taken(one)).join('\n')
  if (text.trim() === '') return { answer: notice }
  if (intent.skill !== null) return { notice }
  const { answer, passages } = ids.length > 0 ? await retrieve(message, intent, dependencies, ids) : {}
  if (answer !== undefined) return { answer: `${notice}\n\n${answer}` }
  return {
    notice,
    isAll: passages === undefined && !isQuestion(text, language),
    ...(passages && { passages }),
  }
}
