import { TOKEN } from '../support/instance.ts'
import { type Disturbance, measureBystanders } from './bystanders.ts'

/** `npm run bench:fair`: what others feel of one conversation that floods and heeds no refusal. */

const SENDERS = 8
const statuses: Record<string, number> = {}

async function flood({ url, signal }: Disturbance): Promise<void> {
  const send = async () => {
    while (!signal.aborted) {
      const response = await fetch(`${url}/api/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ conversation: 'flood', text: 'and another thing' }),
      })
      await response.body?.cancel()
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, send))
}

await measureBystanders(flood, async () => ({ flood: statuses }))
