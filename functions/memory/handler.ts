import { defineFunction } from '#shared/contract/definition.ts'
import type { EventData, Intent, Memory, Message } from '#shared/contract/events/event-types.ts'
import {
  byIds,
  everything,
  type Fact,
  forget,
  type Remembered,
  remember,
  type Source,
} from '#shared/knowledge/memories.ts'
import type { Documents } from '#shared/store/store.ts'
import { answerFrom } from './answers.ts'
import { attend } from './documents/documents.ts'
import { consult } from './documents/retrieval.ts'
import type { Tools as LibraryTools } from './documents/store.ts'
import { statedFacts } from './facts.ts'
import { forgetMemories, takeChoice } from './forgetting.ts'
import { type Asked, type LastUsed, openLastUsed } from './last-used.ts'
import { learnt, toLearnFrom } from './learning.ts'
import { phrases } from './messages.ts'
import { isAbout, type MemoryRequest, requestIn } from './requests.ts'
import { isAboutOneself, sentenceTo } from './second-person.ts'
import { meaningIn, type Tools } from './semantic-recall.ts'
import { earlier, mixed, recall, toMemory } from './store.ts'

const MAX_MEMORIES = 5
/** What memories may take of a prompt, in UTF-8. */
const MAX_BYTES = 1_000

type Recalled = Omit<EventData<'lares.context.recalled'>, 'message' | 'saidAt' | 'intent'>

export default defineFunction({
  name: 'memory',
  receives: ['lares.intent.recognised', 'lares.reply.completed', 'lares.facts.learnt'],
  emits: ['lares.context.recalled', 'lares.learning.requested'],
  uses: ['documents', 'models', 'objects', 'vectors'],
  // Documents take longer to read than messages.
  timeoutMs: 90_000,
  async handle(event, { documents, ...tools }) {
    if (event.type === 'lares.reply.completed') {
      const { person, question, inReplyTo, answers, saidAt = event.time } = event.data
      const message = answers.at(-1) ?? inReplyTo ?? event.id
      const source = { message, conversation: event.subject, saidAt: utc(saidAt) }
      await keep(statedFacts(question), person, source, { documents, ...tools })
      const data = await toLearnFrom(question, person, source, documents)
      return data && { type: 'lares.learning.requested', data }
    }
    if (event.type === 'lares.facts.learnt') {
      const { person, message, saidAt } = event.data
      const source = { message, conversation: event.subject, saidAt }
      await keep(await learnt(event.data, documents), person, source, { documents, ...tools })
      return
    }
    const { message, saidAt, intent } = event.data
    const source = {
      message: event.causationid ?? event.id,
      conversation: event.subject,
      saidAt: utc(saidAt),
    }
    const recalled = await recalledFor({ message, intent }, source, { documents, ...tools })
    return { type: 'lares.context.recalled', data: { message, saidAt, intent, ...recalled } }
  },
})

/** Keeps what somebody told in passing; "forget that" is about all that came of one reply. */
async function keep(facts: Fact[], person: string, source: Source, { documents, vectors }: LibraryTools) {
  if (facts.length === 0) return
  const { conversation, saidAt } = source
  // What its answer came from was noted as of when it was said.
  const at = new Date(Date.parse(saidAt) + 1).toISOString()
  const kept = new Set<string>()
  for (const fact of facts) {
    const id = await remember(documents, person, fact, source)
    if (id !== undefined) kept.add(id)
  }
  await meaningIn(vectors).changed(person, [])
  const used = openLastUsed(documents, person, conversation)
  const last = await used.last()
  const before = last?.at === at ? last.ids : []
  await used.note({ ids: [...new Set([...before, ...kept])], at })
}

/** So that times compare as text. */
const utc = (time: string): string => new Date(time).toISOString()

/** What comes of documents, then of memories; documents are consulted about what neither has an answer to. */
async function recalledFor(
  { message, intent }: { message: Message; intent: Intent },
  source: Source,
  tools: LibraryTools,
): Promise<Recalled> {
  // A slash begins a command, which is dialog's.
  if (message.text.trimStart().startsWith('/')) return { memories: [] }
  const used = openLastUsed(tools.documents, message.person, source.conversation)
  const chosen = await takeChoice(message, source, used, tools)
  if (chosen !== undefined) return { memories: [], answer: chosen }
  const given = await attend(message, intent, source, tools)
  if (given?.answer !== undefined) {
    const asked = given.asked && { about: 'documents' as const, by: source.message, ids: given.asked }
    await used.note({ ids: [], at: source.saidAt, asked })
    return { memories: [], answer: given.answer }
  }
  const { memories, answer } = await remembered(tools.documents, message, source, used, tools)
  const { notice, isAll } = given ?? {}
  if (answer !== undefined)
    return { memories, answer: notice === undefined ? answer : `${notice}\n\n${answer}` }
  if (notice === undefined) return { memories, ...(await consult(message, intent, tools)) }
  if (isAll) return { memories, answer: notice }
  return { memories, notice, ...(given?.passages && { passages: given.passages }) }
}

async function remembered(
  documents: Documents,
  message: Message,
  source: Source,
  used: LastUsed,
  tools: Tools,
): Promise<{ memories: Memory[]; answer?: string }> {
  const { person, text } = message
  const request = requestIn(text)
  if (request) return { memories: [], answer: await served(documents, request, message, source, used, tools) }
  const found = await recall(documents, person, text)
  const answer = answerFrom(found, text)
  // What clearly answers needs no more.
  const near = answer === undefined ? await nearest(documents, message, tools) : []
  const memories = fitting(mixed(found, near))
  const ids = answer === undefined ? memories.map(({ id }) => id) : sourcesOf(answer, found)
  await used.note({ ids, at: source.saidAt })
  return { memories, ...(answer === undefined ? {} : { answer }) }
}

/** Does what is asked before it is confirmed. Each answer is true, and the same, when the event comes a second time. */
async function served(
  documents: Documents,
  request: MemoryRequest,
  { person, language }: Message,
  source: Source,
  used: LastUsed,
  { vectors }: Tools,
): Promise<string> {
  const say = phrases[language]
  const { saidAt, conversation } = source
  const note = (ids: string[], asked?: Asked) => used.note({ ids, at: saidAt, asked })
  const forgetThose = async (matches: (memory: Remembered) => boolean) =>
    await meaningIn(vectors).changed(person, await forget(documents, { person, saidAt }, matches))
  const last = async () => {
    const { ids, at } = (await used.last()) ?? { ids: [], at: '' }
    return { ids, at, memories: await byIds(documents, person, ids) }
  }
  switch (request.kind) {
    case 'remember': {
      const id = await remember(documents, person, request.fact, source)
      await meaningIn(vectors).changed(person, [])
      await note(id === undefined ? [] : [id])
      return say.remembered(request.fact.text)
    }
    case 'list': {
      const all = await everything(documents, person)
      await note(all.map(({ id }) => id))
      return say.known(all.map(({ text }) => text))
    }
    case 'forget':
      await forgetThose(({ text }) => isAbout(text, request.about))
      return say.forgotten(request.about)
    case 'forget-all':
      await forgetThose(() => true)
      return say.forgottenAll
    case 'forget-last': {
      const { ids, memories } = await last()
      if (ids.length === 0) return say.nothingUsed
      if (memories.length > 1) {
        await note(ids, { about: 'memories', by: source.message, ids: memories.map(({ id }) => id) })
        return say.whichToForget(memories.map(({ text }) => text))
      }
      await forgetMemories(ids, person, source, { documents, vectors })
      return say.forgottenLast
    }
    case 'why': {
      const { ids, memories } = await last()
      if (ids.length === 0) return say.nothingUsed
      return memories.length === 0 ? say.forgottenSince : say.because(memories, conversation)
    }
    case 'earlier': {
      const before = await earlier(documents, person, request.question)
      const answer = answerFrom(before, request.question)
      const held = before.filter(({ text }) => answer?.includes(sentenceTo(text)))
      await note(held.map(({ id }) => id))
      return answer === undefined ? say.noEarlier : say.earlier(answer, held[0]!.until)
    }
  }
}

/** Those of the memories that an answer says. */
const sourcesOf = (answer: string, found: Remembered[]): string[] =>
  found.filter(({ text }) => answer.includes(sentenceTo(text))).map(({ id }) => id)

async function nearest(documents: Documents, { person, text }: Message, tools: Tools): Promise<Remembered[]> {
  if (!isAboutOneself(text)) return []
  const ids = await meaningIn(tools.vectors).nearest(person, text, () => everything(documents, person), tools)
  return await byIds(documents, person, ids)
}

function fitting(found: Remembered[]): Memory[] {
  let bytes = 0
  return found
    .slice(0, MAX_MEMORIES)
    .filter(({ text }) => {
      bytes += Buffer.byteLength(text)
      return bytes <= MAX_BYTES
    })
    .map(toMemory)
}
