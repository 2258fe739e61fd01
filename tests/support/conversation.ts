import type { House } from './instance.ts'
import { until } from './until.ts'

export type Row = {
  id: string
  role: string
  text: string
  inReplyTo: string | null
  createdAt: string
  status: string
}

/** Sends a message and gives back its id; anything but 202 is an error. */
export async function send(house: House, conversation: string, text: string, key?: string): Promise<string> {
  const answer = await house.request('/api/messages', {
    method: 'POST',
    body: JSON.stringify({ conversation, text }),
    ...(key ? { headers: { 'idempotency-key': key } } : {}),
  })
  if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}

export async function messages(house: House, conversation: string): Promise<Row[]> {
  const answer = await house.request(`/api/conversations/${conversation}/messages?limit=200`)
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { messages: Row[] }).messages
}

/** Waits for the reply to a message. */
export const replyTo = (house: House, conversation: string, id: string, timeoutMs = 20_000): Promise<Row> =>
  until(async () => (await messages(house, conversation)).find(row => row.inReplyTo === id), timeoutMs)

/** Sends and waits for the reply's text. */
export async function ask(
  house: House,
  conversation: string,
  text: string,
  timeoutMs?: number,
): Promise<string> {
  return (await replyTo(house, conversation, await send(house, conversation, text), timeoutMs)).text
}
