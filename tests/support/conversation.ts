import type { LaresInstance } from './instance.ts'
import { until } from './until.ts'

export type MessageRow = {
  id: string
  role: string
  text: string
  inReplyTo: string | null
  createdAt: string
  status: string
}

/** Sends a message and returns its id. Any status except 202 is an error. */
export async function send(
  instance: LaresInstance,
  conversation: string,
  text: string,
  key?: string,
): Promise<string> {
  const answer = await instance.request('/api/messages', {
    method: 'POST',
    body: JSON.stringify({ conversation, text }),
    ...(key ? { headers: { 'idempotency-key': key } } : {}),
  })
  if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}

export async function listMessages(instance: LaresInstance, conversation: string): Promise<MessageRow[]> {
  const answer = await instance.request(`/api/conversations/${conversation}/messages?limit=200`)
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { messages: MessageRow[] }).messages
}

/** Waits for the reply to a message. */
export const waitForReply = (
  instance: LaresInstance,
  conversation: string,
  id: string,
  timeoutMs = 20_000,
): Promise<MessageRow> =>
  until(async () => (await listMessages(instance, conversation)).find(row => row.inReplyTo === id), timeoutMs)

/** Sends a message and returns the reply's text. */
export async function ask(
  instance: LaresInstance,
  conversation: string,
  text: string,
  timeoutMs?: number,
): Promise<string> {
  return (await waitForReply(instance, conversation, await send(instance, conversation, text), timeoutMs))
    .text
}
