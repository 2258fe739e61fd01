import type { Documents } from '../../shared/conversations/conversations.ts'
import type { Memory, Message } from '../../shared/events/types.ts'
import { defineFunction } from '../../shared/function/definition.ts'
import type { Vectors } from '../../shared/vectors/vectors.ts'
import { answerFrom } from './answers.ts'
import { statedFacts } from './facts.ts'
import { isAboutOneself, openMeaning, type Tools } from './meaning.ts'
import { phrases } from './phrases.ts'
import { isAbout, type MemoryRequest, requestIn } from './requests.ts'
import { byIds, everything, forget, mixed, type Remembered, recall, remember, toMemory } from './store.ts'

const MAX_MEMORIES = 5
/** What memories may take of a prompt, in UTF-8. */
const MAX_BYTES = 1_000

/** One for each store of vectors: what is known of it ends with it. */
const meanings = new WeakMap<Vectors, ReturnType<typeof openMeaning>>()
const meaningIn = (vectors: Vectors) => {
  const known = meanings.get(vectors) ?? openMeaning(vectors)
  meanings.set(vectors, known)
  return known
}

type Recalled = { memories: Memory[]; answer?: string }

export default defineFunction({
  name: 'memory',
  receives: ['lares.intent.recognised', 'lares.reply.completed'],
  emits: ['lares.context.recalled'],
  uses: ['documents', 'models', 'vectors'],
  async handle(event, { documents, ...tools }) {
    if (event.type === 'lares.reply.completed') {
      const { person, question } = event.data
      const facts = statedFacts(question)
      for (const fact of facts) await remember(documents, person, fact, utc(event.time))
      if (facts.length > 0) await meaningIn(tools.vectors).changed(person, [])
      return
    }
    const { message, saidAt, intent } = event.data
    const recalled = await recalledFor(documents, message, utc(saidAt), tools)
    return { type: 'lares.context.recalled', data: { message, saidAt, intent, ...recalled } }
  },
})

/** So that times compare as text. */
const utc = (time: string): string => new Date(time).toISOString()

async function recalledFor(
  documents: Documents,
  message: Message,
  saidAt: string,
  tools: Tools,
): Promise<Recalled> {
  const { person, text } = message
  // A slash begins a command, which is dialog's.
  if (text.trimStart().startsWith('/')) return { memories: [] }
  const request = requestIn(text)
  if (request) return { memories: [], answer: await served(documents, request, message, saidAt, tools) }
  const found = await recall(documents, person, text)
  const answer = answerFrom(found, text)
  // What clearly answers needs no more.
  const near = answer === undefined ? await nearest(documents, message, tools) : []
  return { memories: fitting(mixed(found, near)), ...(answer === undefined ? {} : { answer }) }
}

/** Does what is asked before it is confirmed. Each answer is true, and the same, when the event comes a second time. */
async function served(
  documents: Documents,
  request: MemoryRequest,
  { person, language }: Message,
  saidAt: string,
  { vectors }: Tools,
): Promise<string> {
  const say = phrases[language]
  switch (request.kind) {
    case 'remember':
      await remember(documents, person, request.fact, saidAt)
      await meaningIn(vectors).changed(person, [])
      return say.remembered(request.fact.text)
    case 'list':
      return say.known((await everything(documents, person)).map(({ text }) => text))
    case 'forget':
      await meaningIn(vectors).changed(
        person,
        await forget(documents, { person, saidAt }, ({ text }) => isAbout(text, request.about)),
      )
      return say.forgotten(request.about)
    case 'forget-all':
      await meaningIn(vectors).changed(person, await forget(documents, { person, saidAt }, () => true))
      return say.forgottenAll
  }
}

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
