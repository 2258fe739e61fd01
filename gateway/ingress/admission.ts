import { setTimeout as delay } from 'node:timers/promises'
import { type KeyedMutex, openKeyedMutex } from '../../shared/base/concurrency/keyed-mutex.ts'
import { LaresError } from '../../shared/base/errors.ts'
import type { GatewayConfig } from '../../shared/config/files.ts'
import type { Backlog, History } from '../../shared/store/store.ts'

/**
 * The maximum age of the count over all conversations. The gateway counts a conversation anew for each of its messages.
 */
const MAX_COUNT_AGE_MS = 200
/**
 * When more messages than this wait in a conversation, it accepts one per interval. So a flooding client leaves the
 * machine to others.
 */
const PACING_THRESHOLD = 5
const PACING_INTERVAL_MS = 100
const MIN_RETRY_AFTER_MS = 1_000
const MAX_RETRY_AFTER_MS = 60_000
/**
 * The delay of refusals to clients that ignore `Retry-After`, and how many refusals are held at once. Each holds a
 * request in memory.
 */
const REFUSAL_DELAY_MS = 1_000
const MAX_DELAYED_REFUSALS = 200

type Limits = GatewayConfig['maxWaiting']
type Sender = { conversation: string; person: string }

/**
 * Bounds the accepted messages without a reply. The store counts them, so the bound holds over restarts and for all
 * gateways together. Two gateways may exceed it by the messages that they accept at the same moment.
 */
export type Admission = {
  /**
   * Reserves a place for a message until the history has it or the gateway refuses it. Resolves with a function that
   * frees the place. A conversation's messages are admitted one by one, and slowly while more than a few wait. Errors:
   * `busy`. For a sender who retries before `Retry-After`, the refusal comes a second later, so that refusing costs the
   * others little.
   */
  admit(sender: Sender): Promise<() => void>
}

export function openAdmission(
  history: Pick<History, 'backlog'>,
  limits: Limits,
  now: () => number,
  wait: (ms: number) => Promise<unknown> = delay,
): Admission {
  const pending = createPendingTally()
  const totalCounts = createCountCache(history, now)
  const refusals = createRefusalTracker(now)
  const conversationMutex = openKeyedMutex()
  let delayedRefusals = 0
  const delayRefusal = async () => {
    if (delayedRefusals >= MAX_DELAYED_REFUSALS) return
    delayedRefusals++
    await wait(REFUSAL_DELAY_MS)
    delayedRefusals--
  }
  return {
    async admit(sender) {
      const removePending = pending.add(sender)
      try {
        const { conversation, person } = sender
        const [inConversation, all] = await Promise.all([history.backlog(conversation), totalCounts.read()])
        const ofPerson = all.filter(waiting => waiting.person === person)
        checkLimit(
          inConversation,
          pending.of('conversation', sender),
          limits.conversation,
          'this conversation has',
          now(),
        )
        checkLimit(ofPerson, pending.of('person', sender), limits.person, 'you have', now())
        checkLimit(all, pending.of('all', sender), limits.all, 'the assistant has', now())
        const count = sumOf(inConversation) + pending.of('conversation', sender)
        const pace = async () => count > PACING_THRESHOLD && (await wait(PACING_INTERVAL_MS))
        const unlock = await lockConversation(conversationMutex, conversation, pace)
        return () => {
          removePending()
          totalCounts.add(person)
          unlock()
        }
      } catch (error) {
        removePending()
        if (refusals.recordRefusal(sender.person, error)) await delayRefusal()
        throw error
      }
    },
  }
}

/**
 * Resolves at the message's turn in its conversation, with a function that ends the turn. `pace` delays the next turn.
 */
function lockConversation(
  mutex: KeyedMutex,
  conversation: string,
  pace: () => Promise<unknown>,
): Promise<() => void> {
  return new Promise(begin => {
    void mutex.run(conversation, async () => {
      await new Promise<void>(end => begin(end))
      await pace()
    })
  })
}

const sumOf = (waiting: Backlog[]): number => waiting.reduce((sum, { count }) => sum + count, 0)

/** `pending` includes the message itself. */
function checkLimit(
  waiting: Backlog[],
  pending: number,
  limit: number,
  subject: string,
  nowMs: number,
): void {
  const count = sumOf(waiting)
  if (count + pending <= limit) return
  const retryAfterMs = chooseRetryAfterMs(waiting, nowMs)
  throw new LaresError(
    'busy',
    `${subject} ${count} messages without a reply, and at most ${limit} may wait: send this one again in ${Math.ceil(retryAfterMs / 1000)} s`,
    { retryAfterMs },
  )
}

/**
 * The time that the oldest message has waited, reduced at random by up to half. So clients of a slow instance retry
 * seldom, and not all at once.
 */
function chooseRetryAfterMs(waiting: Backlog[], nowMs: number): number {
  const oldestMs = Math.min(nowMs, ...waiting.map(({ oldestAt }) => Date.parse(oldestAt)))
  const waitedMs = (nowMs - oldestMs) * (0.5 + Math.random() / 2)
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, waitedMs))
}

/** Tracks which people were refused, and until when. */
function createRefusalTracker(now: () => number) {
  const untilMs = new Map<string, number>()
  return {
    /** Records a refusal. Returns true when the person was refused before and did not wait. */
    recordRefusal(person: string, error: unknown): boolean {
      if (!(error instanceof LaresError) || error.code !== 'busy') return false
      const isEarly = now() < (untilMs.get(person) ?? 0)
      for (const [other, until] of untilMs) if (until <= now()) untilMs.delete(other)
      untilMs.set(person, now() + (error.retryAfterMs ?? 0))
      return isEarly
    },
  }
}

/** Counts messages on their way into the store, which does not count them yet. */
function createPendingTally() {
  const counts = new Map<string, number>()
  const change = (key: string, by: number) => {
    const count = (counts.get(key) ?? 0) + by
    if (count === 0) counts.delete(key)
    else counts.set(key, count)
  }
  const keyOf = (scope: keyof Limits, sender: Sender) =>
    scope === 'all' ? scope : `${scope} ${sender[scope]}`
  const scopes = ['conversation', 'person', 'all'] as const
  return {
    add(sender: Sender): () => void {
      for (const scope of scopes) change(keyOf(scope, sender), 1)
      return () => {
        for (const scope of scopes) change(keyOf(scope, sender), -1)
      }
    },
    of: (scope: keyof Limits, sender: Sender) => counts.get(keyOf(scope, sender)) ?? 0,
  }
}

/** Caches the count over all conversations and adds the messages that this gateway has accepted since. */
function createCountCache(history: Pick<History, 'backlog'>, now: () => number) {
  let cached: Promise<Backlog[]> | undefined
  let readAtMs = 0
  const cache = (counts: Promise<Backlog[]>): Promise<Backlog[]> => {
    cached = counts
    // After a failed read, the next caller reads again.
    counts.catch(() => {
      if (cached === counts) cached = undefined
    })
    return counts
  }
  return {
    read(): Promise<Backlog[]> {
      if (cached && now() - readAtMs < MAX_COUNT_AGE_MS) return cached
      readAtMs = now()
      return cache(history.backlog())
    },
    add(person: string): void {
      if (!cached) return
      void cache(cached.then(all => [...all, { person, count: 1, oldestAt: new Date(now()).toISOString() }]))
    },
  }
}
