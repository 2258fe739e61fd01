import { setTimeout as wait } from 'node:timers/promises'
import { openKeyedMutex } from '../../../shared/base/concurrency/keyed-mutex.ts'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { watchReplies } from '../chat/reply-watch.ts'
import {
  acceptedSchema,
  type GatewayAddress,
  type GatewayClient,
  openGatewayClient,
  withRetry,
} from '../gateway-client.ts'
import { auditConversations } from './injection-audit.ts'
import { type InjectionReport, percentilesOf } from './injection-report.ts'
import { type InjectionTracker, type MessageCounts, openInjectionTracker } from './injection-tracker.ts'

/** A simulated message. `atMs` is its time of sending from the start; `key` is its idempotency key. */
export type InjectedMessage = {
  conversation: string
  text: string
  atMs?: number | undefined
  key?: string | undefined
}

/**
 * Generates messages for many conversations in rounds of one message for each, so that all conversations run at once.
 * In the text, {message} and {conversation} stand for their numbers, from 1.
 */
export function* generateMessages(options: {
  conversations: number
  messages: number
  text: string
}): Generator<InjectedMessage> {
  const run = newId()
  for (let message = 1; message <= options.messages; message++)
    for (let conversation = 1; conversation <= options.conversations; conversation++)
      yield {
        conversation: `inject-${run}-${conversation}`,
        text: options.text
          .replaceAll('{message}', String(message))
          .replaceAll('{conversation}', String(conversation)),
      }
}

export type InjectionProgress = MessageCounts & { retries: number }

export type InjectOptions = GatewayAddress & {
  messages: Iterable<InjectedMessage> | AsyncIterable<InjectedMessage>
  /** Default: as fast as the gateway accepts them. A message with `atMs` follows that time instead. */
  ratePerSecond?: number | undefined
  /** The largest number of unacknowledged messages; default 64. */
  maxInFlight?: number | undefined
  /**
   * The time for which the client offers a message that the gateway does not accept. It is also the time without
   * progress after which messages without a reply count as missing.
   */
  timeoutMs: number
  /** The wait for duplicates after the last reply; default 500. */
  settleMs?: number | undefined
  onProgress?(progress: InjectionProgress): void
}

const POLL_INTERVAL_MS = 50

/**
 * Sends messages, waits for their replies, and reports each outcome from the history of its conversation. The client
 * offers a message again under its key until the gateway accepts it. It sends the next message of the conversation only
 * then, so that their order is certain. Errors: `unauthorized`, `forbidden`; `unavailable` when the history cannot be
 * read in the end.
 */
export async function inject(options: InjectOptions): Promise<InjectionReport> {
  const startedAtMs = performance.now()
  const client = openGatewayClient(options)
  const refusals: LaresError[] = []
  let retries = 0
  let lastProgressAtMs = startedAtMs
  const watch = watchReplies(client, (conversation, row) => tracker.recordRow(conversation, row))
  const tracker = openInjectionTracker(watch, () => {
    lastProgressAtMs = performance.now()
    options.onProgress?.({ ...tracker.counts, retries })
  })
  const sendMessage = createSender(client, tracker, {
    timeoutMs: options.timeoutMs,
    onRefusal: error => refusals.push(error),
    onRetry() {
      retries++
      options.onProgress?.({ ...tracker.counts, retries })
    },
  })
  try {
    await sendAll(options, sendMessage, refusals)
    while (
      tracker.counts.answered < tracker.counts.acknowledged &&
      performance.now() - lastProgressAtMs < options.timeoutMs
    )
      await wait(POLL_INTERVAL_MS)
    await wait(options.settleMs ?? 500)
    return await buildReport(client, tracker, { ...options, startedAtMs, retries, refusals })
  } finally {
    watch.close()
  }
}

type SendMessage = (message: InjectedMessage, key: string) => Promise<void>
type SenderOptions = { timeoutMs: number; onRetry(): void; onRefusal(error: LaresError): void }

/** Offers messages to the gateway: those of one conversation one after the other. */
function createSender(
  client: GatewayClient,
  tracker: InjectionTracker,
  { onRefusal, ...retryOptions }: SenderOptions,
): SendMessage {
  const conversationMutex = openKeyedMutex()
  const send = async ({ conversation, text }: InjectedMessage, key: string) => {
    const body = { conversation, text }
    const headers = { 'idempotency-key': key }
    const sentAtMs = performance.now()
    try {
      const { id } = await withRetry(
        () => client.request('/api/messages', acceptedSchema, { method: 'POST', body, headers }),
        retryOptions,
      )
      tracker.recordAcknowledged({ id, conversation }, sentAtMs)
    } catch (error) {
      onRefusal(toLaresError(error))
      tracker.recordRefused(conversation)
    }
  }
  return (message, key) => {
    const { conversation } = message
    tracker.recordOffered(conversation)
    return conversationMutex.run(conversation, () => send(message, key))
  }
}

async function sendAll(
  options: InjectOptions,
  sendMessage: SendMessage,
  refusals: LaresError[],
): Promise<void> {
  const { messages, ratePerSecond = Number.POSITIVE_INFINITY, maxInFlight = 64 } = options
  const runId = newId()
  const startedAtMs = performance.now()
  const inFlight = new Set<Promise<void>>()
  let index = 0
  for await (const message of messages) {
    const dueAtMs = startedAtMs + (message.atMs ?? (index * 1000) / ratePerSecond)
    const aheadMs = dueAtMs - performance.now()
    if (aheadMs > 0) await wait(aheadMs)
    while (inFlight.size >= maxInFlight) await Promise.race(inFlight)
    throwIfUnauthorized(refusals)
    const sending = sendMessage(message, message.key ?? `inject-${runId}-${index}`)
    inFlight.add(sending)
    void sending.then(() => inFlight.delete(sending))
    index++
  }
  await Promise.all(inFlight)
  throwIfUnauthorized(refusals)
}

/** A gateway that refuses the client for one message will refuse it for the next too. */
function throwIfUnauthorized(refusals: LaresError[]): void {
  const authorizationError = refusals.find(({ code }) => code === 'unauthorized' || code === 'forbidden')
  if (authorizationError) throw authorizationError
}

type RunDetails = Pick<InjectOptions, 'timeoutMs'> & {
  startedAtMs: number
  retries: number
  refusals: LaresError[]
}

async function buildReport(
  client: GatewayClient,
  tracker: InjectionTracker,
  run: RunDetails,
): Promise<InjectionReport> {
  const messagesByConversation = tracker.acknowledgedMessages()
  const outcomes = await auditConversations(client, messagesByConversation, run.timeoutMs)
  const { sent, acknowledged } = tracker.counts
  const wrong =
    run.refusals.length + outcomes.missing.length + outcomes.duplicates.length + outcomes.outOfOrder.length
  return {
    conversations: messagesByConversation.size,
    sent,
    acknowledged,
    refused: run.refusals.length,
    reasons: Object.fromEntries(
      [...Map.groupBy(run.refusals, ({ message }) => message)].map(([reason, all]) => [reason, all.length]),
    ),
    retries: run.retries,
    ...outcomes,
    latencyMs: percentilesOf(tracker.latencies()),
    durationMs: performance.now() - run.startedAtMs,
    ok: wrong === 0,
  }
}
