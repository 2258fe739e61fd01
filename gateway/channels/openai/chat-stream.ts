import type { FastifyReply } from 'fastify'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { GatewayContext } from '../../context.ts'
import { openAiBody } from '../../http/error-responses.ts'
import {
  EVENT_STREAM_HEADERS,
  type EventStreamResponse,
  openEventStreamResponse,
} from '../../http/event-stream-response.ts'
import { type Answer, type AwaitedMessage, waitForAnswer } from '../../live/reply-waiter.ts'
import { openDeltas } from '../../live/text-deltas.ts'
import type { ChatRequest } from './chat-request.ts'

const KEEP_ALIVE_INTERVAL_MS = 10_000

/** The fields that all chunks of one response share. */
export type Envelope = { id: string; created: number; model: string }

type StreamRequest = { question: AwaitedMessage; envelope: Envelope; body: ChatRequest }

export const toOpenAiUsage = ({ usage: { inputTokens, outputTokens } }: Answer) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})

/** Streams the answer while it grows. https://platform.openai.com/docs/api-reference/chat-streaming */
export async function streamAnswer(
  context: GatewayContext,
  reply: FastifyReply,
  request: StreamRequest,
): Promise<void> {
  const stream = openEventStreamResponse(reply, EVENT_STREAM_HEADERS)
  const keepAlive = setInterval(() => void stream.write(': waiting\n\n'), KEEP_ALIVE_INTERVAL_MS)
  try {
    await sendAnswer(context, stream, request)
  } catch (error) {
    const problem = toLaresError(error)
    if (!stream.disconnected.aborted)
      context.options.log.warn({ message: request.question.id, err: error }, 'an answer was cut short')
    void stream.write(sseData(openAiBody(problem)))
  } finally {
    clearInterval(keepAlive)
    stream.end()
  }
}

async function sendAnswer(
  context: GatewayContext,
  stream: EventStreamResponse,
  { question, envelope, body }: StreamRequest,
): Promise<void> {
  const deltas = openDeltas()
  const chunkWriter = createChunkWriter(stream, envelope)
  chunkWriter.send({ role: 'assistant', content: '' })
  const sendText = (content: string) => content !== '' && chunkWriter.send({ content })
  const answer = await waitForAnswer(context, {
    ...question,
    signal: AbortSignal.any([stream.disconnected, context.closing]),
    onText: chunk => sendText(deltas.add(chunk)),
  })
  const rest = deltas.finish(answer.text)
  if (rest === undefined) throw answerDiverged()
  sendText(rest)
  chunkWriter.finish(answer, body.stream_options?.include_usage === true)
}

const answerDiverged = () =>
  new LaresError(
    'unavailable',
    'the answer was begun anew after a part of it was sent, and came out differently: ask again',
  )

function createChunkWriter(stream: EventStreamResponse, envelope: Envelope) {
  const write = (rest: object) =>
    void stream.write(sseData({ ...envelope, object: 'chat.completion.chunk', ...rest }))
  const choice = (delta: object, finish_reason: 'stop' | null) => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  return {
    send: (delta: object) => write({ choices: choice(delta, null) }),
    finish(answer: Answer, withUsage: boolean) {
      write({ choices: choice({}, 'stop'), 'x-lares-status': answer.status })
      if (withUsage) write({ choices: [], usage: toOpenAiUsage(answer) })
      void stream.write('data: [DONE]\n\n')
    },
  }
}

const sseData = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
