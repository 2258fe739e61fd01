import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { isTimeZone } from '../../shared/config/files.ts'
import type { Rooms } from '../context.ts'
import { attached } from '../ingress/attachments.ts'
import { checkConversation } from '../ingress/intake.ts'
import { shown } from '../live/history-follower.ts'
import { checked } from './error-responses.ts'

export const conversationId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, colons or underscores')

export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible ASCII characters')

export const timeZone = z.string().max(64).refine(isTimeZone, 'an IANA time zone, as in Europe/Berlin')

/** In UTF-16 units; what is longer is better attached. */
const MAX_TEXT = 1024 * 1024

export const spoken = z.strictObject({
  conversation: conversationId.optional(),
  text: z.string().max(MAX_TEXT),
  attachments: z.array(attached).max(10).optional(),
})

export const withWords = <T extends typeof spoken>(schema: T) =>
  schema.refine(({ text, attachments = [] }) => text.trim() !== '' || attachments.length > 0, {
    path: ['text'],
    message: 'a message has words or attachments',
  })

const message = withWords(spoken)

const keyHeader = z.object({
  'idempotency-key': idempotencyKey.optional(),
  'x-lares-time-zone': timeZone.optional(),
})

const page = z.strictObject({
  before: z.string().max(255).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** Conversations that nobody comes back to: each call of the OpenAI API without a conversation makes one. */
export const PASSING = 'chat.'

const MAX_CONVERSATIONS = 100

export const readHeaders = ({ headers }: FastifyRequest) => {
  const { 'idempotency-key': key, 'x-lares-time-zone': zone } = checked(keyHeader, headers)
  return { key, timeZone: zone }
}

export function messageRoutes(app: FastifyInstance, rooms: Rooms): void {
  const { history } = rooms.parts.conversations

  app.post('/api/messages', async (request, reply) => {
    const body = checked(message, request.body)
    const { person } = request
    const { id, conversation } = await rooms.intake({
      ...body,
      ...readHeaders(request),
      person,
      channel: 'api',
    })
    return reply.code(202).send({ id, conversation })
  })

  app.get('/api/conversations', async request => {
    const mine = await history.conversations(request.person, 10 * MAX_CONVERSATIONS)
    const lasting = mine.filter(({ id }) => !id.startsWith(PASSING)).slice(0, MAX_CONVERSATIONS)
    return { conversations: await Promise.all(lasting.map(summary)) }
  })

  const summary = async ({ id, createdAt }: { id: string; createdAt: string }) => {
    const [last] = await history.list(id, { limit: 1 })
    return { id, createdAt, updatedAt: last?.createdAt ?? createdAt, preview: last?.text.slice(0, 120) ?? '' }
  }

  app.get<{ Params: { id: string } }>('/api/conversations/:id/messages', async request => {
    const { id } = request.params
    await checkConversation(history, id, request.person)
    const { before, limit } = checked(page, request.query)
    const rows = await history.list(id, { limit, ...(before !== undefined && { before }) })
    return { messages: rows.map(shown) }
  })
}
