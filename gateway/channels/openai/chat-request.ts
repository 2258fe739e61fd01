import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Message } from '../../../shared/contract/events/event-types.ts'
import { conversationId } from '../../http/message-fields.ts'

/**
 * The request of the OpenAI API. Lares validates the fields that it uses. Other common fields need only the right type
 * and have no effect.
 */

const textPart = z.looseObject({
  type: z.literal('text', 'only text parts are understood'),
  text: z.string(),
})

const chatMessage = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(textPart)]).nullish(),
})

const ignoredParameters = {
  n: z.literal(1, 'there is one answer to a question').nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  logprobs: z.boolean().nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
}

export const chatRequest = z.looseObject({
  ...ignoredParameters,
  model: z.string().nullish(),
  messages: z.array(chatMessage).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(128).nullish(),
  conversation: conversationId.nullish(),
  metadata: z.looseObject({ conversation: conversationId.nullish() }).nullish(),
})
export type ChatRequest = z.infer<typeof chatRequest>

const textOf = ({ content }: ChatRequest['messages'][number]): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('')

export const conversationOf = ({ conversation, metadata }: ChatRequest): string | undefined =>
  conversation ?? metadata?.conversation ?? undefined

/** A name within the token's person, so that a token cannot reach another person's conversations and memories. */
export const personForUser = (person: string, user: string | null | undefined): string =>
  user ? `${person}:${user}` : person

/**
 * The question, and the history and instructions of a caller that keeps the history itself. Errors: `invalid_request`.
 */
export function messageOf(request: ChatRequest): Pick<Message, 'text' | 'history' | 'instructions'> {
  const last = request.messages.at(-1)!
  const text = textOf(last)
  if (last.role !== 'user' || text.trim() === '')
    throw new LaresError('invalid_request', "messages: the last one must be the user's, and say something")
  if (conversationOf(request) !== undefined) return { text }
  const instructions = request.messages.filter(({ role }) => role === 'system' || role === 'developer')
  return {
    text,
    history: request.messages.slice(0, -1).flatMap(toHistoryEntry),
    ...(instructions.length > 0 && { instructions: instructions.map(textOf).join('\n\n') }),
  }
}

const toHistoryEntry = (message: ChatRequest['messages'][number]) => {
  const { role } = message
  const text = textOf(message)
  return (role === 'user' || role === 'assistant') && text !== '' ? [{ role, text }] : []
}
