import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { keyedId, newId } from '../../../shared/contract/events/ids.ts'
import type { GatewayContext } from '../../context.ts'
import { parseInput } from '../../http/error-responses.ts'
import { EPHEMERAL_PREFIX, readMessageHeaders } from '../../http/message-fields.ts'
import { currentSequence } from '../../live/history-follower.ts'
import { type Answer, type AwaitedMessage, waitForAnswer } from '../../live/reply-waiter.ts'
import type { MessageHandler } from '../channel.ts'
import { type ChatRequest, chatRequest, conversationOf, messageOf, personForUser } from './chat-request.ts'
import { type Envelope, streamAnswer, toOpenAiUsage } from './chat-stream.ts'

const ANSWER_TIMEOUT_MS = 10 * 60_000

/** POST /v1/chat/completions. https://platform.openai.com/docs/api-reference/chat */
export function chatCompletionRoutes(
  app: FastifyInstance,
  context: GatewayContext,
  handler: MessageHandler,
): void {
  app.post('/v1/chat/completions', async (request, reply) => {
    const body = parseInput(chatRequest, request.body)
    const model = await context.options.model()
    const question = await submitMessage(context, handler, { request, body })
    const created = Math.floor((context.options.now ?? Date.now)() / 1000)
    const envelope = { id: `chatcmpl-${question.id}`, created, model }
    reply.header('x-lares-conversation', question.conversation)
    if (body.stream) return streamAnswer(context, reply, { question, envelope, body })
    return toChatCompletion(
      envelope,
      await waitForAnswer(context, { ...question, signal: cancellationOf(context, reply) }),
    )
  })
}

/** Accepts the message. From here on, it gets a reply, whether or not a client waits. */
async function submitMessage(
  context: GatewayContext,
  handler: MessageHandler,
  { request, body }: { request: FastifyRequest; body: ChatRequest },
): Promise<AwaitedMessage> {
  const headers = readMessageHeaders(request)
  const person = personForUser(request.person, body.user)
  const requestedConversation = conversationOf(body)
  const sequenceBefore =
    requestedConversation === undefined ? 0 : await currentSequence(context, requestedConversation)
  const conversation =
    requestedConversation ??
    `${EPHEMERAL_PREFIX}${headers.key ? keyedId(person, EPHEMERAL_PREFIX, headers.key) : newId()}`
  const { id, isDuplicate } = await handler({
    ...headers,
    ...messageOf(body),
    person,
    conversation,
    address: { channel: 'openai' },
  })
  return { id, conversation, after: isDuplicate ? 0 : sequenceBefore, timeoutMs: ANSWER_TIMEOUT_MS }
}

function cancellationOf({ closing }: GatewayContext, reply: FastifyReply): AbortSignal {
  const disconnected = new AbortController()
  reply.raw.on('close', () => disconnected.abort())
  if (reply.raw.destroyed) disconnected.abort()
  return AbortSignal.any([disconnected.signal, closing])
}

function toChatCompletion(envelope: Envelope, answer: Answer) {
  const message = { role: 'assistant', content: answer.text, refusal: null }
  return {
    ...envelope,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: toOpenAiUsage(answer),
    'x-lares-status': answer.status,
  }
}
