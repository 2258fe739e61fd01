import { setTimeout as delay } from 'node:timers/promises'
import { LaresError } from '../../shared/base/errors.ts'
import { type KeyedMutex, openKeyedMutex } from '../../shared/base/keyed-mutex.ts'
import type { GatewayConfig } from '../../shared/config/files.ts'
import type { Backlog, History } from '../../shared/store/store.ts'

/** How old the count over all conversations may be. One conversation is counted for each of its messages. */
const MAX_COUNT_AGE_MS = 200
/** A conversation in which more messages wait takes one each so often, so that who floods leaves the machine to others. */
const PACING_THRESHOLD = 5
const PACING_INTERVAL_MS = 100
const MIN_RETRY_AFTER_MS = 1_000
const MAX_RETRY_AFTER_MS = 60_000
/** Of refusals to those who do not wait, and how many are held at once: each holds a request in memory. */
const REFUSAL_DELAY_MS = 1_000
const MAX_DELAYED_REFUSALS = 200

type Limits = GatewayConfig['maxWaiting']
type Sender = { conversation: string; person: string }

/**
 * Bounds the messages that are taken in and not yet answered. The store counts them, so the bound holds over restarts
 * and for all gateways together; two gateways may overshoot it by what they take in at the same moment.
 */
export type Admission = {
  /**
   * Keeps a place for a message until it is in the history, or was refused: gives back what frees it. Messages of one
   * conversation are taken one by one, and slowly while more than a few wait. Errors: `busy`, told a second later to
   * whoever was refused before and did not wait, so that refusing costs the others little.
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

/** Resolves when it is the message's turn in its conversation, with a function that ends the turn. `pace` delays the next turn. */
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

/** `entering` includes the message that asks. */
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

/** As long as the oldest has waited, half of it by chance: who is slow is asked seldom, and not by all at once. */
function chooseRetryAfterMs(waiting: Backlog[], nowMs: number): number {
  const oldestMs = Math.min(nowMs, ...waiting.map(({ oldestAt }) => Date.parse(oldestAt)))
  const waitedMs = (nowMs - oldestMs) * (0.5 + Math.random() / 2)
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, waitedMs))
}

/** Who was told to come again later, and until when. */
function createRefusalTracker(now: () => number) {
  const untilMs = new Map<string, number>()
  return {
    /** Notes a refusal; true when the person had been told already and did not wait. */
    recordRefusal(person: string, error: unknown): boolean {
      if (!(error instanceof LaresError) || error.code !== 'busy') return false
      const isEarly = now() < (untilMs.get(person) ?? 0)
      for (const [other, until] of untilMs) if (until <= now()) untilMs.delete(other)
      untilMs.set(person, now() + (error.retryAfterMs ?? 0))
      return isEarly
    },
  }
}

/** Messages on their way into the store, which does not count them yet. */
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

/** The count over all conversations, read at most once in a while, with what was taken in here since. */
function createCountCache(history: Pick<History, 'backlog'>, now: () => number) {
  let cached: Promise<Backlog[]> | undefined
  let readAtMs = 0
  const cache = (counts: Promise<Backlog[]>): Promise<Backlog[]> => {
    cached = counts
    // What could not be read is read anew by whoever comes next.
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
