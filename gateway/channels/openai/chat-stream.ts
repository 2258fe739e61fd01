import type { FastifyReply } from 'fastify'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Rooms } from '../../context.ts'
import { openAiBody } from '../../http/error-responses.ts'
import { EVENT_STREAM, type Outlet, openOutlet } from '../../http/event-stream-response.ts'
import { type Answer, type Question, waitForAnswer } from '../../live/reply-waiter.ts'
import { openDeltas } from '../../live/text-deltas.ts'
import type { ChatRequest } from './chat-request.ts'

const KEEP_ALIVE_MS = 10_000

/** What all answers to one request share. */
export type Envelope = { id: string; created: number; model: string }

type Exchange = { question: Question; envelope: Envelope; body: ChatRequest }

export const usageOf = ({ usage: { inputTokens, outputTokens } }: Answer) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})

/** Sends the answer as it comes. https://platform.openai.com/docs/api-reference/chat-streaming */
export async function streamAnswer(rooms: Rooms, reply: FastifyReply, exchange: Exchange): Promise<void> {
  const outlet = openOutlet(reply, EVENT_STREAM)
  const keepAlive = setInterval(() => void outlet.write(': waiting\n\n'), KEEP_ALIVE_MS)
  try {
    await sendAnswer(rooms, outlet, exchange)
  } catch (error) {
    const problem = toLaresError(error)
    if (!outlet.gone.aborted)
      rooms.parts.log.warn({ message: exchange.question.id, err: error }, 'an answer was cut short')
    void outlet.write(line(openAiBody(problem)))
  } finally {
    clearInterval(keepAlive)
    outlet.end()
  }
}

async function sendAnswer(
  rooms: Rooms,
  outlet: Outlet,
  { question, envelope, body }: Exchange,
): Promise<void> {
  const deltas = openDeltas()
  const chunks = openChunks(outlet, envelope)
  chunks.send({ role: 'assistant', content: '' })
  const sendText = (content: string) => content !== '' && chunks.send({ content })
  const answer = await waitForAnswer(rooms, {
    ...question,
    signal: AbortSignal.any([outlet.gone, rooms.closing]),
    onText: chunk => sendText(deltas.add(chunk)),
  })
  const rest = deltas.finish(answer.text)
  if (rest === undefined) throw otherThanSent()
  sendText(rest)
  chunks.finish(answer, body.stream_options?.include_usage === true)
}

const otherThanSent = () =>
  new LaresError(
    'unavailable',
    'the answer was begun anew after a part of it was sent, and came out differently: ask again',
  )

function openChunks(outlet: Outlet, envelope: Envelope) {
  const write = (rest: object) =>
    void outlet.write(line({ ...envelope, object: 'chat.completion.chunk', ...rest }))
  const choice = (delta: object, finish_reason: 'stop' | null) => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  return {
    send: (delta: object) => write({ choices: choice(delta, null) }),
    finish(answer: Answer, withUsage: boolean) {
      write({ choices: choice({}, 'stop'), 'x-lares-status': answer.status })
      if (withUsage) write({ choices: [], usage: usageOf(answer) })
      void outlet.write('data: [DONE]\n\n')
    },
  }
}

const line = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
