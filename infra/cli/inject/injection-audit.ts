import { type GatewayClient, type MessageRow, rowsSchema, withRetry } from '../gateway-client.ts'
import { classifyMessages, type MessageOutcomes, type MessageRef, noOutcomes } from './injection-report.ts'

const PAGE_SIZE = 200
const CONCURRENT_READERS = 8

/** Reads the whole history of each conversation, and classifies its messages. */
export async function auditConversations(
  client: GatewayClient,
  messagesByConversation: Map<string, MessageRef[]>,
  timeoutMs: number,
): Promise<MessageOutcomes> {
  const totals = noOutcomes()
  // All readers share one iterator: each takes the next conversation when it has finished one.
  const queue = [...messagesByConversation].values()
  const read = async () => {
    for (const [conversation, messages] of queue)
      if (messages.length > 0)
        addOutcomes(totals, classifyMessages(messages, await readHistory(client, conversation, timeoutMs)))
  }
  await Promise.all(Array.from({ length: CONCURRENT_READERS }, read))
  return totals
}

function addOutcomes(totals: MessageOutcomes, outcomes: MessageOutcomes): void {
  for (const key of ['replied', 'failed', 'interrupted', 'merged'] as const) totals[key] += outcomes[key]
  totals.missing.push(...outcomes.missing)
  totals.duplicates.push(...outcomes.duplicates)
  totals.outOfOrder.push(...outcomes.outOfOrder)
}

async function readHistory(
  client: GatewayClient,
  conversation: string,
  timeoutMs: number,
): Promise<MessageRow[]> {
  const history: MessageRow[] = []
  for (;;) {
    const before = history[0] ? `&before=${history[0].id}` : ''
    const path = `/api/conversations/${conversation}/messages?limit=${PAGE_SIZE}${before}`
    const { messages } = await withRetry(() => client.request(path, rowsSchema), { timeoutMs })
    history.unshift(...messages)
    if (messages.length < PAGE_SIZE) return history
  }
}
