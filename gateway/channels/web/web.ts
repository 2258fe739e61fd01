import type { FastifyInstance } from 'fastify'
import { DEFAULT_ACCOUNT } from '../../../shared/contract/events/address.ts'
import type { GatewayContext } from '../../context.ts'
import { type Channel, PLAIN_CAPABILITIES } from '../channel.ts'
import { messageRoutes } from './messages.ts'
import { socketRoutes } from './websocket.ts'

const MAX_ATTACHMENTS = 10

/**
 * The page, the HTTP API and the WebSocket. A 202 or the frame `accepted` acknowledges a message. Clients read replies
 * from the history (GET, server-sent events, WebSocket), so this channel sends none.
 */
export const webChannel = (scope: FastifyInstance, context: GatewayContext): Channel => ({
  name: 'web',
  type: 'web',
  account: DEFAULT_ACCOUNT,
  capabilities: {
    ...PLAIN_CAPABILITIES,
    markup: 'markdown',
    edits: true,
    typing: true,
    attachments: { maxCount: MAX_ATTACHMENTS, maxBytes: context.options.config.maxBodyBytes },
    isIdempotent: true,
  },
  async receive(handler) {
    messageRoutes(scope, handler)
    socketRoutes(scope, context, handler)
  },
})
