import { setTimeout as wait } from 'node:timers/promises'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { openKeyedMutex } from '../../../shared/base/keyed-mutex.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { watchReplies } from '../chat/reply-watch.ts'
import { type Address, accepted, type GatewayClient, openGatewayClient, persist } from '../gateway-client.ts'
import { auditRooms } from './injection-audit.ts'
import { type InjectionReport, percentilesOf } from './injection-report.ts'
import { type Counts, openTracker, type Tracker } from './injection-tracker.ts'

/** A simulated message. `atMs` is when it is sent, counted from the start; `key` is its idempotency key. */
export type Simulated = {
  conversation: string
  text: string
  atMs?: number | undefined
  key?: string | undefined
}

/**
 * Messages for many conversations: one for each, then the next for each, so that all of them go on at once. In the text
 * {message} and {conversation} stand for their numbers, from 1.
 */
export function* simulated(many: {
  conversations: number
  messages: number
  text: string
}): Generator<Simulated> {
  const run = newId()
  for (let message = 1; message <= many.messages; message++)
    for (let conversation = 1; conversation <= many.conversations; conversation++)
      yield {
        conversation: `inject-${run}-${conversation}`,
        text: many.text
          .replaceAll('{message}', String(message))
          .replaceAll('{conversation}', String(conversation)),
      }
}

export type Progress = Counts & { retries: number }

export type InjectOptions = Address & {
  messages: Iterable<Simulated> | AsyncIterable<Simulated>
  /** Default: as fast as they are accepted. A message with `atMs` goes by that instead. */
  ratePerSecond?: number | undefined
  /** Messages that are not acknowledged yet, at most; default 64. */
  maxInFlight?: number | undefined
  /**
   * How long a message is offered to a gateway that does not take it, and how long nothing may happen before what has
   * no reply counts as missing.
   */
  timeoutMs: number
  /** How long to wait after the last reply for one too many; default 500. */
  settleMs?: number | undefined
  onProgress?(progress: Progress): void
}

const LOOK_EVERY_MS = 50

/**
 * Sends messages, waits for their replies, and tells what became of each by the history of its conversation. A message
 * is offered again under its key until the gateway takes it, and before the next one of its conversation, so that
 * their order is certain. Errors: `unauthorized`, `forbidden`; `unavailable` when the history cannot be read in the end.
 */
export async function inject(options: InjectOptions): Promise<InjectionReport> {
  const startedAtMs = performance.now()
  const client = openGatewayClient(options)
  const refusals: LaresError[] = []
  let retries = 0
  let movedAtMs = startedAtMs
  const watch = watchReplies(client, (conversation, row) => tracker.row(conversation, row))
  const tracker = openTracker(watch, () => {
    movedAtMs = performance.now()
    options.onProgress?.({ ...tracker.counts, retries })
  })
  const offer = openOffers(client, tracker, {
    limitMs: options.timeoutMs,
    onRefusal: error => refusals.push(error),
    onRetry() {
      retries++
      options.onProgress?.({ ...tracker.counts, retries })
    },
  })
  try {
    await offerAll(options, offer, refusals)
    while (
      tracker.counts.answered < tracker.counts.acknowledged &&
      performance.now() - movedAtMs < options.timeoutMs
    )
      await wait(LOOK_EVERY_MS)
    await wait(options.settleMs ?? 500)
    return await reportOf(client, tracker, { ...options, startedAtMs, retries, refusals })
  } finally {
    watch.close()
  }
}

type Offer = (message: Simulated, key: string) => Promise<void>
type Told = { limitMs: number; onRetry(): void; onRefusal(error: LaresError): void }

/** Offers messages to the gateway: those of one conversation one after the other. */
function openOffers(client: GatewayClient, tracker: Tracker, { onRefusal, ...persistence }: Told): Offer {
  const order = openKeyedMutex()
  const send = async ({ conversation, text }: Simulated, key: string) => {
    const body = { conversation, text }
    const headers = { 'idempotency-key': key }
    const sentAtMs = performance.now()
    try {
      const { id } = await persist(
        () => client.ask('/api/messages', accepted, { method: 'POST', body, headers }),
        persistence,
      )
      tracker.acknowledged({ id, conversation }, sentAtMs)
    } catch (error) {
      onRefusal(toLaresError(error))
      tracker.refused(conversation)
    }
  }
  return (message, key) => {
    const { conversation } = message
    tracker.offered(conversation)
    return order.run(conversation, () => send(message, key))
  }
}

async function offerAll(options: InjectOptions, offer: Offer, refusals: LaresError[]): Promise<void> {
  const { messages, ratePerSecond = Number.POSITIVE_INFINITY, maxInFlight = 64 } = options
  const runId = newId()
  const startedAtMs = performance.now()
  const offered = new Set<Promise<void>>()
  let index = 0
  for await (const message of messages) {
    const dueAtMs = startedAtMs + (message.atMs ?? (index * 1000) / ratePerSecond)
    const aheadMs = dueAtMs - performance.now()
    if (aheadMs > 0) await wait(aheadMs)
    while (offered.size >= maxInFlight) await Promise.race(offered)
    checkWelcome(refusals)
    const one = offer(message, message.key ?? `inject-${runId}-${index}`)
    offered.add(one)
    void one.then(() => offered.delete(one))
    index++
  }
  await Promise.all(offered)
  checkWelcome(refusals)
}

/** Whoever is not let in will not be let in with the next message either. */
function checkWelcome(refusals: LaresError[]): void {
  const unwelcome = refusals.find(({ code }) => code === 'unauthorized' || code === 'forbidden')
  if (unwelcome) throw unwelcome
}

type Run = Pick<InjectOptions, 'timeoutMs'> & { startedAtMs: number; retries: number; refusals: LaresError[] }

async function reportOf(client: GatewayClient, tracker: Tracker, run: Run): Promise<InjectionReport> {
  const rooms = tracker.rooms()
  const fate = await auditRooms(client, rooms, run.timeoutMs)
  const { sent, acknowledged } = tracker.counts
  const wrong = run.refusals.length + fate.missing.length + fate.duplicates.length + fate.outOfOrder.length
  return {
    conversations: rooms.size,
    sent,
    acknowledged,
    refused: run.refusals.length,
    reasons: Object.fromEntries(
      [...Map.groupBy(run.refusals, ({ message }) => message)].map(([reason, all]) => [reason, all.length]),
    ),
    retries: run.retries,
    ...fate,
    latencyMs: percentilesOf(tracker.latencies()),
    durationMs: performance.now() - run.startedAtMs,
    ok: wrong === 0,
  }
}
