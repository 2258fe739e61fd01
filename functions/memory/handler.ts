import { defineFunction } from '#shared/contract/definition.ts'
import { isGroup } from '#shared/contract/events/address.ts'
import type { EventData, Intent, Memory, Message } from '#shared/contract/events/event-types.ts'
import {
  currentMemories,
  deleteMemories,
  type Fact,
  type MemorySource,
  memoriesByIds,
  type StoredMemory,
  saveMemory,
} from '#shared/knowledge/memories.ts'
import type { Records } from '#shared/store/store.ts'
import { answerFrom } from './answers.ts'
import { handleDocuments } from './documents/documents.ts'
import { retrieve } from './documents/retrieval.ts'
import type { KnowledgeBaseDependencies } from './documents/store.ts'
import { findStatedFacts } from './facts.ts'
import { forgetMemories, resolveForgetChoice } from './forgetting.ts'
import { type AnswerSourcesStore, type ForgetQuestion, openAnswerSources } from './last-used.ts'
import { learningRequestFor, toFacts } from './learning.ts'
import { messagesIn } from './messages.ts'
import { isAbout, type MemoryRequest, parseMemoryRequest } from './requests.ts'
import { isAboutOneself, toSecondPersonSentence } from './second-person.ts'
import { openMemoryState } from './state.ts'
import { fuseRankings, searchMemories, searchReplacedMemories, toMemory } from './store.ts'

const MAX_MEMORIES = 5
/** The most bytes of memories in a prompt, in UTF-8. */
const MAX_BYTES = 1_000

type RecalledData = Omit<EventData<'lares.context.recalled'>, 'message' | 'saidAt' | 'intent'>

export default defineFunction({
  name: 'memory',
  receives: ['lares.intent.recognised', 'lares.reply.completed', 'lares.facts.learnt'],
  emits: ['lares.context.recalled', 'lares.learning.requested'],
  uses: ['records', 'models', 'objects', 'vectors'],
  // Documents take longer to read than messages.
  timeoutMs: 90_000,
  init: openMemoryState,
  async handle(event, { records, ...tools }) {
    if (event.type === 'lares.reply.completed') {
      // In a group memory remembers only on request, and nothing that members state in passing.
      if (isGroup(event.data.person)) return
      const { person, question, inReplyTo, answers, saidAt = event.time } = event.data
      const message = answers.at(-1) ?? inReplyTo ?? event.id
      const source = { message, conversation: event.subject, saidAt: toUtcIso(saidAt) }
      await saveFacts(findStatedFacts(question), person, source, { records, ...tools })
      const data = await learningRequestFor(question, person, source, records)
      return data && { type: 'lares.learning.requested', data }
    }
    if (event.type === 'lares.facts.learnt') {
      const { person, message, saidAt } = event.data
      const source = { message, conversation: event.subject, saidAt }
      await saveFacts(await toFacts(event.data, records), person, source, { records, ...tools })
      return
    }
    const { message, saidAt, intent } = event.data
    const source = {
      message: event.causationid ?? event.id,
      conversation: event.subject,
      saidAt: toUtcIso(saidAt),
    }
    const recalled = await recallFor({ message, intent }, source, { records, ...tools })
    return { type: 'lares.context.recalled', data: { message, saidAt, intent, ...recalled } }
  },
})

/** Keeps the facts that a person stated in passing. "Forget that" applies to all facts of one reply. */
async function saveFacts(
  facts: Fact[],
  person: string,
  source: MemorySource,
  { records, state }: KnowledgeBaseDependencies,
) {
  if (facts.length === 0) return
  const { conversation, saidAt } = source
  // The sources of the answer were recorded with the time of the message; this is just after it.
  const at = new Date(Date.parse(saidAt) + 1).toISOString()
  const kept = new Set<string>()
  for (const fact of facts) {
    const id = await saveMemory(records, person, fact, source)
    if (id !== undefined) kept.add(id)
  }
  await state.semanticIndex.changed(person, [])
  const answerSources = openAnswerSources(records, person, conversation)
  const last = await answerSources.last()
  const before = last?.at === at ? last.ids : []
  await answerSources.record({ ids: [...new Set([...before, ...kept])], at })
}

/** The time in UTC, so that times compare as text. */
const toUtcIso = (time: string): string => new Date(time).toISOString()

/** Asks the documents, then the memories. When neither has an answer, it searches the documents for passages. */
async function recallFor(
  { message, intent }: { message: Message; intent: Intent },
  source: MemorySource,
  dependencies: KnowledgeBaseDependencies,
): Promise<RecalledData> {
  // A slash begins a command, which dialog handles.
  if (message.text.trimStart().startsWith('/')) return { memories: [] }
  const answerSources = openAnswerSources(dependencies.records, message.person, source.conversation)
  const choiceAnswer = await resolveForgetChoice(message, source, answerSources, dependencies)
  if (choiceAnswer !== undefined) return { memories: [], answer: choiceAnswer }
  const documentResult = await handleDocuments(message, intent, source, dependencies)
  if (documentResult?.answer !== undefined) {
    const asked = documentResult.asked && {
      about: 'documents' as const,
      by: source.message,
      ids: documentResult.asked,
    }
    await answerSources.record({ ids: [], at: source.saidAt, asked })
    return { memories: [], answer: documentResult.answer }
  }
  const { memories, answer } = await answerFromMemories(
    dependencies.records,
    message,
    source,
    answerSources,
    dependencies,
  )
  const { notice, isAll } = documentResult ?? {}
  if (answer !== undefined)
    return { memories, answer: notice === undefined ? answer : `${notice}\n\n${answer}` }
  if (notice === undefined) return { memories, ...(await retrieve(message, intent, dependencies)) }
  if (isAll) return { memories, answer: notice }
  return { memories, notice, ...(documentResult?.passages && { passages: documentResult.passages }) }
}

async function answerFromMemories(
  records: Records,
  message: Message,
  source: MemorySource,
  answerSources: AnswerSourcesStore,
  dependencies: KnowledgeBaseDependencies,
): Promise<{ memories: Memory[]; answer?: string }> {
  const { person, text } = message
  const request = parseMemoryRequest(text, message.language)
  if (request)
    return {
      memories: [],
      answer: await handleMemoryRequest(records, request, message, source, answerSources, dependencies),
    }
  const found = await searchMemories(records, person, text)
  const answer = answerFrom(found, text, message.language)
  // A clear answer needs no further memories.
  const similar = answer === undefined ? await findSimilar(records, message, dependencies) : []
  const memories = fitMemories(fuseRankings(found, similar))
  const ids =
    answer === undefined ? memories.map(({ id }) => id) : memoriesInAnswer(answer, found, message.language)
  await answerSources.record({ ids, at: source.saidAt })
  return { memories, ...(answer === undefined ? {} : { answer }) }
}

/**
 * Executes the request before its confirmation. The answer is true, and the same when the event arrives a second time.
 */
async function handleMemoryRequest(
  records: Records,
  request: MemoryRequest,
  { person, language }: Message,
  source: MemorySource,
  answerSources: AnswerSourcesStore,
  { state }: KnowledgeBaseDependencies,
): Promise<string> {
  const t = messagesIn(language)
  const { saidAt, conversation } = source
  const recordSources = (ids: string[], asked?: ForgetQuestion) =>
    answerSources.record({ ids, at: saidAt, asked })
  const forgetMatching = async (matches: (memory: StoredMemory) => boolean) =>
    await state.semanticIndex.changed(person, await deleteMemories(records, { person, saidAt }, matches))
  const last = async () => {
    const { ids, at } = (await answerSources.last()) ?? { ids: [], at: '' }
    return { ids, at, memories: await memoriesByIds(records, person, ids) }
  }
  switch (request.kind) {
    case 'remember': {
      const id = await saveMemory(records, person, request.fact, source)
      await state.semanticIndex.changed(person, [])
      await recordSources(id === undefined ? [] : [id])
      return t.remembered(request.fact.text)
    }
    case 'list': {
      const all = await currentMemories(records, person)
      await recordSources(all.map(({ id }) => id))
      return t.known(all.map(({ text }) => text))
    }
    case 'forget':
      await forgetMatching(({ text }) => isAbout(text, request.about, language))
      return t.forgotten(request.about)
    case 'forget-all':
      await forgetMatching(() => true)
      return t.forgottenAll
    case 'forget-last': {
      const { ids, memories } = await last()
      if (ids.length === 0) return t.nothingUsed
      if (memories.length > 1) {
        await recordSources(ids, { about: 'memories', by: source.message, ids: memories.map(({ id }) => id) })
        return t.whichToForget(memories.map(({ text }) => text))
      }
      await forgetMemories(ids, person, source, { records, state })
      return t.forgottenLast
    }
    case 'why': {
      const { ids, memories } = await last()
      if (ids.length === 0) return t.nothingUsed
      return memories.length === 0 ? t.forgottenSince : t.because(memories, conversation)
    }
    case 'earlier': {
      const before = await searchReplacedMemories(records, person, request.question)
      const answer = answerFrom(before, request.question, language)
      const matching = before.filter(({ text }) => answer?.includes(toSecondPersonSentence(text, language)))
      await recordSources(matching.map(({ id }) => id))
      return answer === undefined ? t.noEarlier : t.earlier(answer, matching[0]!.until)
    }
  }
}

/** The memories that an answer contains. */
const memoriesInAnswer = (answer: string, found: StoredMemory[], language: string): string[] =>
  found.filter(({ text }) => answer.includes(toSecondPersonSentence(text, language))).map(({ id }) => id)

async function findSimilar(
  records: Records,
  { person, text, language }: Message,
  dependencies: KnowledgeBaseDependencies,
): Promise<StoredMemory[]> {
  if (!isAboutOneself(text, language)) return []
  const ids = await dependencies.state.semanticIndex.nearest(
    person,
    text,
    () => currentMemories(records, person),
    dependencies,
  )
  return await memoriesByIds(records, person, ids)
}

function fitMemories(found: StoredMemory[]): Memory[] {
  let bytes = 0
  return found
    .slice(0, MAX_MEMORIES)
    .filter(({ text }) => {
      bytes += Buffer.byteLength(text)
      return bytes <= MAX_BYTES
    })
    .map(toMemory)
}
