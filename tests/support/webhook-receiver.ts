import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** A delivery with a signature that was verified as the specification requires. */
export type Delivery = { id: string; conversation: string; text: string; inReplyTo: string; status: string }

export type WebhookReceiver = {
  url: string
  /** All received deliveries, in the order of their arrival. */
  deliveries: Delivery[]
  /** Sets the status of the responses; default 204. */
  respondWith(
    decide: (delivery: Delivery) => number | [status: number, headers: Record<string, string>],
  ): void
  close(): Promise<void>
}

/** A receiver of webhooks, as another developer would write it with the specification's library. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const deliveries: Delivery[] = []
  let decide: Parameters<WebhookReceiver['respondWith']>[0] = () => 204
  const verifier = new Webhook(SECRET)
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const { type, data } = verifier.verify(body, request.headers as Record<string, string>) as {
      type: string
      data: Delivery
    }
    if (type !== 'reply.completed' || request.headers['webhook-id'] !== data.id)
      throw new Error('what is this?')
    deliveries.push(data)
    const decided = decide(data)
    const [status, headers] = typeof decided === 'number' ? [decided, {}] : decided
    response.writeHead(status, headers).end()
  }
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.writeHead(400).end())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/lares`,
    deliveries,
    respondWith(next) {
      decide = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
