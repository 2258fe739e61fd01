import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { checkConversationAccess, ownersFor } from '../auth/membership.ts'
import type { GatewayContext } from '../context.ts'
import { toMessageView } from '../live/history-follower.ts'
import { parseInput } from './error-responses.ts'
import { EPHEMERAL_PREFIX } from './message-fields.ts'

const pageQuery = z.strictObject({
  before: z.string().max(255).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

const MAX_LISTED_CONVERSATIONS = 100

/** GET /api/conversations, and the messages of one conversation. */
export function conversationRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { history } = context.options.store

  app.get('/api/conversations', async request => {
    const owners = ownersFor(context.options.config, request.person)
    const found = await Promise.all(
      owners.map(owner => history.conversations(owner, 10 * MAX_LISTED_CONVERSATIONS)),
    )
    const listed = found
      .flat()
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
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
    await checkConversationAccess(context.options, id, request.person)
    const { before, limit } = parseInput(pageQuery, request.query)
    const rows = await history.list(id, { limit, ...(before !== undefined && { before }) })
    return { messages: rows.map(toMessageView) }
  })
}
