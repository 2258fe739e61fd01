import type { FastifyInstance } from 'fastify'
import { DEFAULT_ACCOUNT } from '../../../shared/contract/events/address.ts'
import type { GatewayContext } from '../../context.ts'
import { type Channel, PLAIN_CAPABILITIES } from '../channel.ts'
import { chatCompletionRoutes } from './chat-completions.ts'
import { modelRoutes } from './models.ts'

/**
 * The OpenAI API. The first byte of the answer acknowledges the message. The answer comes from the history, and
 * streamed text cannot be taken back.
 */
export const openAiChannel = (scope: FastifyInstance, context: GatewayContext): Channel => ({
  name: 'openai',
  type: 'openai',
  account: DEFAULT_ACCOUNT,
  capabilities: {
    ...PLAIN_CAPABILITIES,
    markup: 'markdown',
    isIdempotent: true,
  },
  async receive(handler) {
    chatCompletionRoutes(scope, context, handler)
    modelRoutes(scope, context)
  },
})
