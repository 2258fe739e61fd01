import { type GatewayClient, persist, type Row, rows } from '../gateway-client.ts'
import { type Fate, fateOf, noFate, type Place } from './injection-report.ts'

const PAGE = 200
const READERS = 8

/** Reads the whole history of each conversation, and tells what became of its messages. */
export async function auditRooms(
  client: GatewayClient,
  rooms: Map<string, Place[]>,
  limitMs: number,
): Promise<Fate> {
  const total = noFate()
  // One iterator for all readers: each takes the next conversation when it is done with one.
  const queue = [...rooms].values()
  const read = async () => {
    for (const [conversation, messages] of queue)
      if (messages.length > 0) add(total, fateOf(messages, await historyOf(client, conversation, limitMs)))
  }
  await Promise.all(Array.from({ length: READERS }, read))
  return total
}

function add(total: Fate, fate: Fate): void {
  for (const key of ['replied', 'failed', 'interrupted', 'merged'] as const) total[key] += fate[key]
  total.missing.push(...fate.missing)
  total.duplicates.push(...fate.duplicates)
  total.outOfOrder.push(...fate.outOfOrder)
}

async function historyOf(client: GatewayClient, conversation: string, limitMs: number): Promise<Row[]> {
  const history: Row[] = []
  for (;;) {
    const before = history[0] ? `&before=${history[0].id}` : ''
    const path = `/api/conversations/${conversation}/messages?limit=${PAGE}${before}`
    const { messages } = await persist(() => client.ask(path, rows), { limitMs })
    history.unshift(...messages)
    if (messages.length < PAGE) return history
  }
}
