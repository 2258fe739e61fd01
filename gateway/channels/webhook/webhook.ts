import { Webhook } from 'standardwebhooks'
import { LaresError } from '../../../shared/base/errors.ts'
import { parseRetryAfterMs } from '../../../shared/base/retry-after.ts'
import type { GatewayConfig } from '../../../shared/config/files.ts'
import type { Address } from '../../../shared/contract/events/address.ts'
import { type OutboundChannel, PLAIN_CAPABILITIES } from '../channel.ts'

/** The channel of messages whose replies go to one webhook. Its accounts are the names in `deliveries`. */
const WEBHOOK_CHANNEL = 'webhook'
const SEND_TIMEOUT_MS = 10_000
const MINUTE_MS = 60_000
/** These statuses are retried, any other 4xx is final, as the connector does for functions. */
const RETRYABLE_STATUSES = new Set([408, 425, 429])

/**
 * POSTs replies to a URL, signed by Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks). The
 * `webhook-id` is the reply's id, by which the receiver recognises duplicates. A redirect counts as a refusal.
 */
export function webhookChannel(
  { name, url, secret, person, giveUpAfterMinutes }: GatewayConfig['deliveries'][number],
  now: () => number = Date.now,
): OutboundChannel {
  const signer = new Webhook(secret)
  return {
    name,
    type: WEBHOOK_CHANNEL,
    account: name,
    capabilities: { ...PLAIN_CAPABILITIES, markup: 'markdown', isIdempotent: true },
    accepts: delivery =>
      (person === undefined || delivery.person === person) && isForWebhook(delivery.address, name),
    giveUpAfterMs: giveUpAfterMinutes * MINUTE_MS,
    async send({ time, ...data }) {
      const body = JSON.stringify({ type: 'reply.completed', timestamp: time, data })
      const sentAt = new Date(now())
      const response = await post(url, {
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': data.id,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': signer.sign(data.id, sentAt, body),
        },
      })
      await response.body?.cancel()
      if (!response.ok) throw toDeliveryError(response)
    },
  }
}

/** Clients of the page and the API read the history; a webhook pushes their replies. */
const API_CHANNELS: ReadonlySet<string> = new Set(['web', 'openai'])

const isForWebhook = ({ channel, account }: Address, name: string): boolean =>
  channel === WEBHOOK_CHANNEL ? account === name : API_CHANNELS.has(channel)

async function post(url: string, request: { body: string; headers: Record<string, string> }) {
  const signal = AbortSignal.timeout(SEND_TIMEOUT_MS)
  try {
    return await fetch(url, { ...request, method: 'POST', redirect: 'manual', signal })
  } catch (cause) {
    const { message, cause: reason } = cause as Error & { cause?: Error }
    throw new LaresError('unavailable', `it cannot be reached: ${reason?.message ?? message}`, { cause })
  }
}

function toDeliveryError({ status, headers }: Response): LaresError {
  const retryable = status >= 500 || RETRYABLE_STATUSES.has(status)
  const retryAfterMs = parseRetryAfterMs(headers.get('retry-after'))
  return new LaresError(retryable ? 'unavailable' : 'rejected', `it answered ${status}`, {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}
