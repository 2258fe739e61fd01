import { decideOnce } from '#shared/contract/decision.ts'
import type { Message } from '#shared/contract/events/event-types.ts'
import type { MemorySource } from '#shared/knowledge/memories.ts'
import { bestMatches } from '#shared/language/matching.ts'
import { messagesIn } from './messages.ts'
import type { DocumentRequest } from './requests.ts'
import {
  deleteDocument,
  FORGET_DECISIONS_COLLECTION,
  type ForgetDecision,
  findDocument,
  forgetDecisionSchema,
  type KnowledgeBaseDependencies,
  listDocuments,
  type StoredDocument,
} from './store.ts'

export type RequestOutcome = { answer: string; asked?: string[] }

/** Executes the request before its confirmation. A message that arrives a second time gets the same answer. */
export async function handleDocumentRequest(
  request: DocumentRequest,
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<RequestOutcome> {
  const all = await documentsAsOf(message, source, dependencies)
  if (request.kind === 'list') return { answer: messagesIn(message.language).list(all) }
  return await executeDecision(message, source, dependencies, () =>
    decideForget(request, all, message.language),
  )
}

/** Forgets the documents that the person chose from several. */
export async function forgetDocuments(
  chosen: readonly StoredDocument[],
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<string> {
  const reply = messagesIn(message.language).forgotten(chosen.map(({ name }) => name))
  return (await executeDecision(message, source, dependencies, () => ({ gone: [...chosen], reply }))).answer
}

/** The documents that existed when the person sent the message. */
export const documentsAsOf = async (
  { person }: Message,
  { saidAt }: MemorySource,
  { records }: KnowledgeBaseDependencies,
) => (await listDocuments(records, person)).filter(({ at }) => at <= saidAt)

async function executeDecision(
  { person }: Message,
  { message, saidAt }: MemorySource,
  dependencies: KnowledgeBaseDependencies,
  decide: () => ForgetDecision,
): Promise<RequestOutcome> {
  const { records } = dependencies
  const key = { collection: FORGET_DECISIONS_COLLECTION, person, id: message }
  const { gone, reply, asked } = await decideOnce(
    records,
    key,
    new Date(saidAt),
    async () => decide(),
    forgetDecisionSchema,
  )
  for (const one of gone) {
    const current = await findDocument(records, person, one.id)
    // The request includes a document that was sent before it and is read only now. It excludes one that was sent again
    // after it.
    if (current && current.object !== one.object && current.at <= saidAt)
      await deleteDocument(dependencies, person, current)
    await deleteDocument(dependencies, person, one)
  }
  return { answer: reply, ...(asked && { asked }) }
}

function decideForget(
  request: Exclude<DocumentRequest, { kind: 'list' }>,
  all: StoredDocument[],
  language: Message['language'],
): ForgetDecision {
  const t = messagesIn(language)
  if (all.length === 0) return { gone: [], reply: t.none }
  const targets = request.kind === 'forget-all' ? all : matchDocuments(request.about, all, language)
  if (targets.length === 0) return { gone: [], reply: t.unknown((request as { about: string }).about) }
  if (targets.length > 1 && request.kind === 'forget')
    return {
      gone: [],
      reply: t.which(targets.map(({ name }) => name)),
      asked: targets.map(({ id }) => id),
    }
  return { gone: targets, reply: t.forgotten(targets.map(({ name }) => name)) }
}

/** The documents with exactly that name, with or without its extension. */
export const documentsNamedExactly = (name: string, all: readonly StoredDocument[]): StoredDocument[] =>
  all.filter(one =>
    [one.name, nameWithoutExtension(one.name)].some(known => known.toLowerCase() === name.toLowerCase()),
  )

/** The documents with exactly that name, else those with names that contain all of the words. */
function matchDocuments(query: string, all: StoredDocument[], language: string): StoredDocument[] {
  if (query === '') return all
  const exactMatches = documentsNamedExactly(query, all)
  if (exactMatches.length > 0) return exactMatches
  const { items, isSure } = bestMatches(all, ({ name }) => nameAsWords(name), nameAsWords(query), language)
  return isSure ? items : []
}

/** The name without its extension. */
export const nameWithoutExtension = (name: string): string => name.replace(/\.[a-z]{2,8}$/i, '')

/** The name as people say it. */
export const nameAsWords = (name: string): string => name.replace(/[_.-]+/g, ' ')
