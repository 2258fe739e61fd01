import type { FunctionContext } from '#shared/contract/context.ts'
import { defineFunction } from '#shared/contract/definition.ts'
import type { EventDraft } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import type { GenerateChunk, GenerateRequest } from '#shared/models/models.ts'
import { seedOf } from '#shared/models/seed.ts'
import { coalesce } from './coalesce.ts'

const MAX_TOKENS = 1_024
/** Tokens that arrive closer together than this form one event, so that they do not flood the log. */
const COALESCE_MS = 30

/** Marks an answer that the token limit cut off, in any language. */
const CUT_MARK = ' […]'

type Prompt = EventData<'lares.prompt.composed'>
type ToolCalls = EventData<'lares.generation.completed'>['toolCalls']

/** Asks the model for the next step of a turn, and streams its answer. */
export default defineFunction({
  name: 'generation',
  receives: ['lares.prompt.composed'],
  emits: ['lares.stream.extended', 'lares.generation.completed'],
  uses: ['models'],
  concurrency: 32,
  timeoutMs: 300_000,
  // A model server that restarts or loads a model is back within minutes. Only this conversation waits for it.
  retry: { giveUpAfterMs: 300_000 },
  handle: (event, context) => generate(event.id, event.data, context),
})

async function* generate(
  eventId: string,
  prompt: Prompt,
  { models, signal }: FunctionContext<'models'>,
): AsyncGenerator<EventDraft> {
  yield* toDrafts(prompt, models.generate('text-generation', createRequest(eventId, prompt, signal)))
}

const createRequest = (
  eventId: string,
  { messages, tools }: Prompt,
  signal: AbortSignal,
): GenerateRequest => ({
  messages,
  ...(tools.length > 0 && { tools }),
  maxTokens: MAX_TOKENS,
  seed: seedOf(eventId),
  signal,
})

async function* toDrafts(
  { step, offset }: Prompt,
  chunks: AsyncIterable<GenerateChunk>,
): AsyncGenerator<EventDraft> {
  let text = ''
  const toolCalls: ToolCalls = []
  for await (const chunk of coalesce(chunks, COALESCE_MS)) {
    if (chunk.kind === 'tool-call') toolCalls.push(chunk.call)
    else if (chunk.kind === 'text') {
      yield { type: 'lares.stream.extended', data: { step, offset: offset + text.length, text: chunk.text } }
      text += chunk.text
    } else {
      const { finishReason, usage, model } = chunk
      if (finishReason === 'length' && toolCalls.length === 0) {
        yield {
          type: 'lares.stream.extended',
          data: { step, offset: offset + text.length, text: CUT_MARK },
        }
        text += CUT_MARK
      }
      const data = { step, text, toolCalls, finishReason, usage, model }
      yield { type: 'lares.generation.completed', data }
    }
  }
}
