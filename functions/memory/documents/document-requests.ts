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

/** Does what is asked before it is confirmed; the answer is the same when the message comes a second time. */
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

/** Forgets those that were chosen of several. */
export async function forgetDocuments(
  chosen: readonly StoredDocument[],
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<string> {
  const reply = messagesIn(message.language).forgotten(chosen.map(({ name }) => name))
  return (await executeDecision(message, source, dependencies, () => ({ gone: [...chosen], reply }))).answer
}

/** What was there when the message was said. */
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
    // One that was sent before, and is read only now, is meant too; one that was sent again since is not.
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

/** Those of exactly that name, with what tells its kind or without. */
export const documentsNamedExactly = (name: string, all: readonly StoredDocument[]): StoredDocument[] =>
  all.filter(one =>
    [one.name, nameWithoutExtension(one.name)].some(known => known.toLowerCase() === name.toLowerCase()),
  )

/** Those of exactly that name, else those whose names hold all of the words. */
function matchDocuments(query: string, all: StoredDocument[], language: string): StoredDocument[] {
  if (query === '') return all
  const exactMatches = documentsNamedExactly(query, all)
  if (exactMatches.length > 0) return exactMatches
  const { items, isSure } = bestMatches(all, ({ name }) => nameAsWords(name), nameAsWords(query), language)
  return isSure ? items : []
}

/** The name without what tells its kind. */
export const nameWithoutExtension = (name: string): string => name.replace(/\.[a-z]{2,8}$/i, '')

/** As it is named in speech. */
export const nameAsWords = (name: string): string => name.replace(/[_.-]+/g, ' ')
