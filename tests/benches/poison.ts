import { generateMessages, inject } from '../../infra/cli/inject/injection.ts'
import type { DeadLetter } from '../../shared/operations/operations.ts'
import { TOKEN } from '../support/instance.ts'
import { until } from '../support/until.ts'
import { type Disturbance, measureBystanders } from './bystanders.ts'

/**
 * `npm run bench:poison`: what others feel of messages that fail for good, one in a hundred; and that all of these are in
 * the dead letters after at most five tries, and come home in order when they are put back.
 */

const POISON_PER_SECOND = 0.2
const MAX_ATTEMPTS = 5
const WAIT_TIMEOUT_MS = 120_000

async function injectPoison({ url, seconds }: Disturbance): Promise<void> {
  const report = await inject({
    url,
    token: TOKEN,
    messages: generateMessages({
      conversations: 2,
      messages: Math.ceil((POISON_PER_SECOND * seconds) / 2),
      text: 'poison {message} [fail:500]',
    }),
    ratePerSecond: POISON_PER_SECOND,
    timeoutMs: WAIT_TIMEOUT_MS,
  })
  if (report.failed !== report.acknowledged) throw new Error(`poison was answered: ${JSON.stringify(report)}`)
}

type MessageRow = { id: string; role: string; text: string; inReplyTo: string | null; status: string }

async function replayDeadLetters({ instance, model }: Pick<Disturbance, 'instance' | 'model'>) {
  const ask = async <T>(path: string, method = 'GET'): Promise<T> => {
    // An empty body has no type.
    const headers = { authorization: `Bearer ${TOKEN}` }
    return (await (await fetch(`${instance.url}${path}`, { method, headers })).json()) as T
  }
  const { deadLetters } = await ask<{ deadLetters: DeadLetter[] }>('/api/dead')
  const attemptCounts = deadLetters.map(deadLetter => deadLetter.tries)
  if (attemptCounts.length === 0 || Math.max(...attemptCounts) > MAX_ATTEMPTS)
    throw new Error(`tries: ${attemptCounts}`)
  model.stopFailing()
  for (const { id } of deadLetters) await ask(`/api/dead/${id}/retry`, 'POST')
  const conversations = [...new Set(deadLetters.map(({ conversation }) => conversation))]
  const lateRepliesIn = async (conversation: string) => {
    const { messages } = await ask<{ messages: MessageRow[] }>(
      `/api/conversations/${conversation}/messages?limit=200`,
    )
    const messageIds = messages.filter(({ role }) => role === 'user').map(({ id }) => id)
    const late = messages.filter(({ role, status }) => role === 'assistant' && status === 'completed')
    return { said: messageIds, late: late.map(({ inReplyTo }) => inReplyTo) }
  }
  await until(async () => {
    const all = await Promise.all(conversations.map(lateRepliesIn))
    return all.every(({ said: messageIds, late }) => late.length === messageIds.length)
  }, WAIT_TIMEOUT_MS)
  for (const { said: messageIds, late } of await Promise.all(conversations.map(lateRepliesIn)))
    if (late.join() !== messageIds.join()) throw new Error(`came home out of order: ${late}`)
  return { deadLetters: deadLetters.length, mostTries: Math.max(...attemptCounts), broughtHomeInOrder: true }
}

await measureBystanders(injectPoison, replayDeadLetters)
