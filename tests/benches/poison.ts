import { inject, simulated } from '../../infra/cli/inject/injection.ts'
import type { DeadLetter } from '../../shared/operations/operations.ts'
import { TOKEN } from '../support/instance.ts'
import { until } from '../support/until.ts'
import { besides, type Trouble } from './bystanders.ts'

/**
 * `npm run bench:poison`: what others feel of messages that fail for good, one in a hundred; and that all of these are in
 * the dead letters after at most five tries, and come home in order when they are put back.
 */

const POISON_PER_SECOND = 0.2
const MAX_TRIES = 5
const PATIENCE_MS = 120_000

async function poison({ url, seconds }: Trouble): Promise<void> {
  const report = await inject({
    url,
    token: TOKEN,
    messages: simulated({
      conversations: 2,
      messages: Math.ceil((POISON_PER_SECOND * seconds) / 2),
      text: 'poison {message} [fail:500]',
    }),
    ratePerSecond: POISON_PER_SECOND,
    timeoutMs: PATIENCE_MS,
  })
  if (report.failed !== report.acknowledged) throw new Error(`poison was answered: ${JSON.stringify(report)}`)
}

type Row = { id: string; role: string; text: string; inReplyTo: string | null; status: string }

async function bringHome({ house, model }: Pick<Trouble, 'house' | 'model'>) {
  const ask = async <T>(path: string, method = 'GET'): Promise<T> => {
    // An empty body has no type.
    const headers = { authorization: `Bearer ${TOKEN}` }
    return (await (await fetch(`${house.url}${path}`, { method, headers })).json()) as T
  }
  const { deadLetters } = await ask<{ deadLetters: DeadLetter[] }>('/api/dead')
  const tries = deadLetters.map(letter => letter.tries)
  if (tries.length === 0 || Math.max(...tries) > MAX_TRIES) throw new Error(`tries: ${tries}`)
  model.heal()
  for (const { id } of deadLetters) await ask(`/api/dead/${id}/retry`, 'POST')
  const conversations = [...new Set(deadLetters.map(({ conversation }) => conversation))]
  const lateRepliesIn = async (conversation: string) => {
    const { messages } = await ask<{ messages: Row[] }>(
      `/api/conversations/${conversation}/messages?limit=200`,
    )
    const said = messages.filter(({ role }) => role === 'user').map(({ id }) => id)
    const late = messages.filter(({ role, status }) => role === 'assistant' && status === 'completed')
    return { said, late: late.map(({ inReplyTo }) => inReplyTo) }
  }
  await until(async () => {
    const all = await Promise.all(conversations.map(lateRepliesIn))
    return all.every(({ said, late }) => late.length === said.length)
  }, PATIENCE_MS)
  for (const { said, late } of await Promise.all(conversations.map(lateRepliesIn)))
    if (late.join() !== said.join()) throw new Error(`came home out of order: ${late}`)
  return { deadLetters: deadLetters.length, mostTries: Math.max(...tries), broughtHomeInOrder: true }
}

await besides(poison, bringHome)
