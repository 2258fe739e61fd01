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

/** `notice`: what is said before the reply. `isAll`: there is nothing else to say, unless somebody else has. `asked`: of which
 * documents, by id, one is to be chosen. */
export type KnowledgeBaseResult = RetrievalResult & { notice?: string; isAll?: boolean; asked?: string[] }

/**
 * What documents have to do with a message: those that it brings are read and kept, and what it asks of them is done.
 * Undefined when it brings none and asks nothing of them; then they may still be consulted.
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
