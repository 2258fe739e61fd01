import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { isTimeZone } from '../../shared/config/files.ts'
import type { GatewayContext } from '../context.ts'
import { attachmentUpload } from '../ingress/attachments.ts'
import { checkConversationOwner, type InboundAddress } from '../ingress/intake.ts'
import { toMessageView } from '../live/history-follower.ts'
import { parseInput } from './error-responses.ts'

export const conversationId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, colons or underscores')

export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible ASCII characters')

export const timeZone = z.string().max(64).refine(isTimeZone, 'an IANA time zone, as in Europe/Berlin')

/** In UTF-16 units; what is longer is better attached. */
const MAX_TEXT_UNITS = 1024 * 1024

export const messageFields = z.strictObject({
  conversation: conversationId.optional(),
  text: z.string().max(MAX_TEXT_UNITS),
  attachments: z.array(attachmentUpload).max(10).optional(),
})

export const requireContent = <T extends typeof messageFields>(schema: T) =>
  schema.refine(({ text, attachments = [] }) => text.trim() !== '' || attachments.length > 0, {
    path: ['text'],
    message: 'a message has words or attachments',
  })

const messageBody = requireContent(messageFields)

const messageHeaders = z.object({
  'idempotency-key': idempotencyKey.optional(),
  'x-lares-time-zone': timeZone.optional(),
})

const pageQuery = z.strictObject({
  before: z.string().max(255).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** Conversations that nobody comes back to: each call of the OpenAI API without a conversation makes one. */
export const EPHEMERAL_PREFIX = 'chat.'

const MAX_LISTED_CONVERSATIONS = 100

/** The page, the HTTP API and the WebSocket are one channel. */
export const WEB: InboundAddress = { channel: 'web' }

export const readMessageHeaders = ({ headers }: FastifyRequest) => {
  const { 'idempotency-key': key, 'x-lares-time-zone': zone } = parseInput(messageHeaders, headers)
  return { key, timeZone: zone }
}

export function messageRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { history } = context.options.store

  app.post('/api/messages', async (request, reply) => {
    const body = parseInput(messageBody, request.body)
    const { person } = request
    const { id, conversation } = await context.intake({
      ...body,
      ...readMessageHeaders(request),
      person,
      address: WEB,
    })
    return reply.code(202).send({ id, conversation })
  })

  app.get('/api/conversations', async request => {
    const ownConversations = await history.conversations(request.person, 10 * MAX_LISTED_CONVERSATIONS)
    const listed = ownConversations
      .filter(({ id }) => !id.startsWith(EPHEMERAL_PREFIX))
      .slice(0, MAX_LISTED_CONVERSATIONS)
    return { conversations: await Promise.all(listed.map(summarize)) }
  })

  const summarize = async ({ id, createdAt }: { id: string; createdAt: string }) => {
    const [last] = await history.list(id, { limit: 1 })
    return { id, createdAt, updatedAt: last?.createdAt ?? createdAt, preview: last?.text.slice(0, 120) ?? '' }
  }

  app.get<{ Params: { id: string } }>('/api/conversations/:id/messages', async request => {
    const { id } = request.params
    await checkConversationOwner(history, id, request.person)
    const { before, limit } = parseInput(pageQuery, request.query)
    const rows = await history.list(id, { limit, ...(before !== undefined && { before }) })
    return { messages: rows.map(toMessageView) }
  })
}
