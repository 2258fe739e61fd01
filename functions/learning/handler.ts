import { LaresError } from '#shared/base/errors.ts'
import type { FunctionContext } from '#shared/contract/context.ts'
import { defineFunction } from '#shared/contract/definition.ts'
import type { LaresEvent } from '#shared/contract/events/event.ts'
import { type ModelCapabilities, openModelCapabilities } from '#shared/models/model-capabilities.ts'
import { seedOf } from '#shared/models/seed.ts'
import { composePrompt, keepNotesTool, parseNotes } from './facts.ts'

const MAX_TOKENS = 512
/** The longest wait for the model's capabilities. It is long because nobody waits for this function. */
const CAPABILITIES_TIMEOUT_MS = 30_000

/**
 * Asks the model for facts in a message that memory's rules do not find. It runs after the reply and beside other work,
 * so nobody waits for it. It does not ask a small model, which cannot judge.
 */
export default defineFunction({
  name: 'learning',
  receives: ['lares.learning.requested'],
  emits: ['lares.facts.learnt'],
  uses: ['models'],
  // The next answer is worth more than this: a server with few slots serves generation first.
  concurrency: 1,
  timeoutMs: 120_000,
  init: ({ models, ...tools }) => openModelCapabilities(models, tools),
  handle: (event, context) => learn(event, context),
})

async function learn(
  { id, data }: LaresEvent<'lares.learning.requested'>,
  { models, signal, log, state: capabilities }: FunctionContext<'models', ModelCapabilities>,
) {
  // Without a model that can call tools, memory keeps the facts of its rules.
  if (!(await capabilities.known(CAPABILITIES_TIMEOUT_MS))?.tools) return
  const facts = []
  try {
    const request = {
      messages: composePrompt(data),
      tools: [keepNotesTool],
      maxTokens: MAX_TOKENS,
      temperature: 0,
      seed: seedOf(id),
      signal,
    }
    for await (const chunk of models.generate('text-generation', request))
      if (chunk.kind === 'tool-call') facts.push(...parseNotes(chunk.call, data))
  } catch (error) {
    // A retry would fail too; memory keeps the facts of its rules.
    if (!(error instanceof LaresError) || error.retryable) throw error
    log.warn({ err: error }, 'the model refuses to say what is worth remembering')
    return
  }
  const { person, message, saidAt } = data
  return facts.length === 0
    ? undefined
    : ({ type: 'lares.facts.learnt', data: { person, message, saidAt, facts } } as const)
}
