import type { FastifyInstance } from 'fastify'
import { parseInput } from '../../http/error-responses.ts'
import { messageFields, readMessageHeaders, requireContent } from '../../http/message-fields.ts'
import type { InboundAddress, MessageHandler } from '../channel.ts'

/** The page, the HTTP API and the WebSocket are one channel. */
export const WEB_CHANNEL: InboundAddress = { channel: 'web' }

const messageBody = requireContent(messageFields)

/** POST /api/messages: 202 when the message is durable. */
export function messageRoutes(app: FastifyInstance, handler: MessageHandler): void {
  app.post('/api/messages', async (request, reply) => {
    const body = parseInput(messageBody, request.body)
    const { person } = request
    const { id, conversation } = await handler({
      ...body,
      ...readMessageHeaders(request),
      person,
      address: WEB_CHANNEL,
    })
    return reply.code(202).send({ id, conversation })
  })
}
