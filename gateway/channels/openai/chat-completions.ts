import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { keyedId, newId } from '../../../shared/contract/events/ids.ts'
import type { Rooms } from '../../context.ts'
import { checked } from '../../http/error-responses.ts'
import { PASSING, readHeaders } from '../../http/messages.ts'
import { currentSequence } from '../../live/history-follower.ts'
import { type Answer, type Question, waitForAnswer } from '../../live/reply-waiter.ts'
import { type ChatRequest, chatRequest, conversationOf, personOf, questionOf } from './chat-request.ts'
import { type Envelope, streamAnswer, usageOf } from './chat-stream.ts'

const WAIT_LIMIT_MS = 10 * 60_000

/** POST /v1/chat/completions. https://platform.openai.com/docs/api-reference/chat */
export function chatRoutes(app: FastifyInstance, rooms: Rooms): void {
  app.post('/v1/chat/completions', async (request, reply) => {
    const body = checked(chatRequest, request.body)
    const model = await rooms.parts.model()
    const question = await ask(rooms, request, body)
    const created = Math.floor((rooms.parts.now ?? Date.now)() / 1000)
    const envelope = { id: `chatcmpl-${question.id}`, created, model }
    reply.header('x-lares-conversation', question.conversation)
    if (body.stream) return streamAnswer(rooms, reply, { question, envelope, body })
    return wholeAnswer(envelope, await waitForAnswer(rooms, { ...question, signal: goneOf(rooms, reply) }))
  })
}

/** Takes the message in; from here on it will be answered, whether or not somebody waits. */
async function ask(rooms: Rooms, request: FastifyRequest, body: ChatRequest): Promise<Question> {
  const headers = readHeaders(request)
  const person = personOf(request.person, body.user)
  const given = conversationOf(body)
  const before = given === undefined ? 0 : await currentSequence(rooms, given)
  const conversation = given ?? `${PASSING}${headers.key ? keyedId(person, PASSING, headers.key) : newId()}`
  const { id, repeated } = await rooms.intake({
    ...headers,
    ...questionOf(body),
    person,
    conversation,
    channel: 'openai',
  })
  return { id, conversation, after: repeated ? 0 : before, limitMs: WAIT_LIMIT_MS }
}

function goneOf({ closing }: Rooms, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.on('close', () => gone.abort())
  if (reply.raw.destroyed) gone.abort()
  return AbortSignal.any([gone.signal, closing])
}

function wholeAnswer(envelope: Envelope, answer: Answer) {
  const message = { role: 'assistant', content: answer.text, refusal: null }
  return {
    ...envelope,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: usageOf(answer),
    'x-lares-status': answer.status,
  }
}
