import type { Documents } from '../../shared/conversations/conversations.ts'
import type { Memory, Message } from '../../shared/events/types.ts'
import { defineFunction } from '../../shared/function/definition.ts'
import { answerFrom } from './answers.ts'
import { statedFacts } from './facts.ts'
import { phrases } from './phrases.ts'
import { isAbout, type MemoryRequest, requestIn } from './requests.ts'
import { everything, forget, type Remembered, recall, remember, toMemory } from './store.ts'

const MAX_MEMORIES = 5
/** What memories may take of a prompt, in UTF-8. */
const MAX_BYTES = 1_000

type Recalled = { memories: Memory[]; answer?: string }

export default defineFunction({
  name: 'memory',
  receives: ['lares.intent.recognised', 'lares.reply.completed'],
  emits: ['lares.context.recalled'],
  uses: ['documents'],
  async handle(event, { documents }) {
    if (event.type === 'lares.reply.completed') {
      for (const fact of statedFacts(event.data.question))
        await remember(documents, event.data.person, fact, utc(event.time))
      return
    }
    const { message, saidAt, intent } = event.data
    const recalled = await recalledFor(documents, message, utc(saidAt))
    return { type: 'lares.context.recalled', data: { message, saidAt, intent, ...recalled } }
  },
})

/** So that times compare as text. */
const utc = (time: string): string => new Date(time).toISOString()

async function recalledFor(documents: Documents, message: Message, saidAt: string): Promise<Recalled> {
  const { person, text } = message
  // A slash begins a command, which is dialog's.
  if (text.trimStart().startsWith('/')) return { memories: [] }
  const request = requestIn(text)
  if (request) return { memories: [], answer: await served(documents, request, message, saidAt) }
  const found = await recall(documents, person, text)
  const answer = answerFrom(found, text)
  return { memories: fitting(found), ...(answer === undefined ? {} : { answer }) }
}

/** Does what is asked before it is confirmed. Each answer is true, and the same, when the event comes a second time. */
async function served(
  documents: Documents,
  request: MemoryRequest,
  { person, language }: Message,
  saidAt: string,
): Promise<string> {
  const say = phrases[language]
  switch (request.kind) {
    case 'remember':
      await remember(documents, person, request.fact, saidAt)
      return say.remembered(request.fact.text)
    case 'list':
      return say.known((await everything(documents, person)).map(({ text }) => text))
    case 'forget':
      await forget(documents, { person, saidAt }, ({ text }) => isAbout(text, request.about))
      return say.forgotten(request.about)
    case 'forget-all':
      await forget(documents, { person, saidAt }, () => true)
      return say.forgottenAll
  }
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
