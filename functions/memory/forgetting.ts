import type { Message } from '#shared/contract/events/event-types.ts'
import {
  deleteMemories,
  type MemorySource,
  memoriesByIds,
  type StoredMemory,
} from '#shared/knowledge/memories.ts'
import { isNeverMind, type Option, parseChoice, stripFillerWords } from '#shared/language/choices.ts'
import {
  documentsAsOf,
  documentsNamedExactly,
  forgetDocuments,
  nameAsWords,
} from './documents/document-requests.ts'
import type { KnowledgeBaseDependencies } from './documents/store.ts'
import type { AnswerSourcesStore, ForgetQuestion } from './last-used.ts'
import { messagesIn } from './messages.ts'

/** Forgets these memories and the ones that they had replaced. */
export async function forgetMemories(
  ids: readonly string[],
  person: string,
  { saidAt }: MemorySource,
  { records, state }: Pick<KnowledgeBaseDependencies, 'records' | 'state'>,
): Promise<void> {
  const memories = await memoriesByIds(records, person, [...ids])
  const subjects = new Set(memories.map(({ subject }) => subject))
  const shouldForget = ({ id, subject }: StoredMemory) => ids.includes(id) || subjects.has(subject)
  await state.semanticIndex.changed(person, await deleteMemories(records, { person, saidAt }, shouldForget))
}

/**
 * Handles the answer to "which one shall I forget?": a choice by place, words or name, all, or none. Returns undefined
 * when memory asked nothing, or when the message is not an answer, which drops the question. A message that arrives a
 * second time gets the same result.
 */
export async function resolveForgetChoice(
  message: Message,
  source: MemorySource,
  answerSources: AnswerSourcesStore,
  dependencies: KnowledgeBaseDependencies,
): Promise<string | undefined> {
  const { person, language } = message
  const last = await answerSources.last()
  const { asked } = last ?? {}
  if (!last || !asked || last.at > source.saidAt || asked.by === source.message) return undefined
  const recordSources = (more: { asked?: ForgetQuestion }) =>
    answerSources.record({ ids: last.ids, at: source.saidAt, ...more })
  const ids = await chosenIds(asked, message, source, dependencies)
  if (ids === undefined) {
    await recordSources({})
    return undefined
  }
  await recordSources({ asked: { ...asked, answered: { message: source.message, ids } } })
  if (ids.length === 0) return messagesIn(language).keptAll
  if (asked.about === 'memories') {
    await forgetMemories(ids, person, source, dependencies)
    return ids.length === 1 ? messagesIn(language).forgottenLast : messagesIn(language).forgottenThose
  }
  const chosen = (await documentsAsOf(message, source, dependencies)).filter(({ id }) => ids.includes(id))
  return await forgetDocuments(chosen, message, source, dependencies)
}

/** Empty when the person wants to keep all; undefined when the message is not an answer. */
async function chosenIds(
  { about, ids, answered }: ForgetQuestion,
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<string[] | undefined> {
  if (answered) return answered.message === source.message ? answered.ids : undefined
  if (isNeverMind(message.text)) return []
  const { items, isSure } =
    about === 'memories'
      ? parseChoice(await memoryOptions(ids, message, dependencies), message.text, message.language)
      : await chosenDocuments(ids, message, source, dependencies)
  return isSure && items.length > 0 ? items.map(({ id }) => id) : undefined
}

async function memoryOptions(
  ids: string[],
  { person }: Message,
  { records }: KnowledgeBaseDependencies,
): Promise<Option[]> {
  const memories = await memoriesByIds(records, person, ids)
  return memories.map(({ id, text }) => ({ id, text }))
}

async function chosenDocuments(
  ids: string[],
  message: Message,
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
) {
  const all = await documentsAsOf(message, source, dependencies)
  const asked = ids.flatMap(id => all.find(one => one.id === id) ?? [])
  const exactMatches = documentsNamedExactly(stripFillerWords(message.text, message.language), asked)
  if (exactMatches.length > 0) return { items: exactMatches, isSure: true }
  const options = asked.map(({ id, name }) => ({ id, text: nameAsWords(name) }))
  return parseChoice(options, nameAsWords(message.text), message.language)
}
