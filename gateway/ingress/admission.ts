import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../shared/base/errors.ts'
import { type InTurn, openInTurn } from '../../shared/base/keyed-mutex.ts'
import type { GatewayConfig } from '../../shared/config/files.ts'
import type { History, Waiting } from '../../shared/store/store.ts'

/** How old the count over all conversations may be. One conversation is counted for each of its messages. */
const RECOUNT_MS = 200
/** A conversation in which more messages wait takes one each so often, so that who floods leaves the machine to others. */
const PACED_BEYOND = 5
const PACE_MS = 100
const SHORTEST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000
/** Of refusals to those who do not wait, and how many are held at once: each holds a request in memory. */
const HELD_MS = 1_000
const MAX_HELD = 200

type Limits = GatewayConfig['maxWaiting']
type Sender = { conversation: string; person: string }

/**
 * Bounds the messages that are taken in and not yet answered. The store counts them, so the bound holds over restarts
 * and for all gateways together; two gateways may overshoot it by what they take in at the same moment.
 */
export type Pressure = {
  /**
   * Keeps a place for a message until it is in the history, or was refused: gives back what frees it. Messages of one
   * conversation are taken one by one, and slowly while more than a few wait. Errors: `busy`, told a second later to
   * whoever was refused before and did not wait, so that refusing costs the others little.
   */
  enter(sender: Sender): Promise<() => void>
}

export function openPressure(history: Pick<History, 'waiting'>, limits: Limits, now: () => number): Pressure {
  const entering = openTally()
  const everywhere = openCount(history, now)
  const told = openTold(now)
  const turns = openInTurn()
  let held = 0
  const holdBack = async () => {
    if (held >= MAX_HELD) return
    held++
    await wait(HELD_MS)
    held--
  }
  return {
    async enter(sender) {
      const leave = entering.add(sender)
      try {
        const { conversation, person } = sender
        const [here, all] = await Promise.all([history.waiting(conversation), everywhere.read()])
        const own = all.filter(waiting => waiting.person === person)
        check(here, entering.of('conversation', sender), limits.conversation, 'this conversation has', now())
        check(own, entering.of('person', sender), limits.person, 'you have', now())
        check(all, entering.of('all', sender), limits.all, 'the assistant has', now())
        const count = sumOf(here) + entering.of('conversation', sender)
        const endTurn = await beginTurn(turns, conversation, count > PACED_BEYOND ? PACE_MS : 0)
        return () => {
          leave()
          everywhere.add(person)
          endTurn()
        }
      } catch (error) {
        leave()
        if (told.again(sender.person, error)) await holdBack()
        throw error
      }
    },
  }
}

/** Resolves when it is the turn of a message of the conversation, with what ends the turn; the next one's is so much later. */
function beginTurn(turns: InTurn, conversation: string, restMs: number): Promise<() => void> {
  return new Promise(begin => {
    void turns.run(conversation, async () => {
      await new Promise<void>(end => begin(end))
      if (restMs > 0) await wait(restMs)
    })
  })
}

const sumOf = (waiting: Waiting[]): number => waiting.reduce((sum, { count }) => sum + count, 0)

/** `entering` includes the message that asks. */
function check(waiting: Waiting[], entering: number, limit: number, who: string, nowMs: number): void {
  const count = sumOf(waiting)
  if (count + entering <= limit) return
  const retryAfterMs = waitFor(waiting, nowMs)
  throw new LaresError(
    'busy',
    `${who} ${count} messages without a reply, and at most ${limit} may wait: send this one again in ${Math.ceil(retryAfterMs / 1000)} s`,
    { retryAfterMs },
  )
}

/** As long as the oldest has waited, half of it by chance: who is slow is asked seldom, and not by all at once. */
function waitFor(waiting: Waiting[], nowMs: number): number {
  const oldestMs = Math.min(nowMs, ...waiting.map(({ oldestAt }) => Date.parse(oldestAt)))
  const waitedMs = (nowMs - oldestMs) * (0.5 + Math.random() / 2)
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, waitedMs))
}

/** Who was told to come again later, and until when. */
function openTold(now: () => number) {
  const untilMs = new Map<string, number>()
  return {
    /** Notes a refusal; true when the person had been told already and did not wait. */
    again(person: string, error: unknown): boolean {
      if (!(error instanceof LaresError) || error.code !== 'busy') return false
      const isEarly = now() < (untilMs.get(person) ?? 0)
      for (const [other, until] of untilMs) if (until <= now()) untilMs.delete(other)
      untilMs.set(person, now() + (error.retryAfterMs ?? 0))
      return isEarly
    },
  }
}

/** Messages on their way into the store, which does not count them yet. */
function openTally() {
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
function openCount(history: Pick<History, 'waiting'>, now: () => number) {
  let known: Promise<Waiting[]> | undefined
  let readAtMs = 0
  const keep = (reading: Promise<Waiting[]>): Promise<Waiting[]> => {
    known = reading
    // What could not be read is read anew by whoever comes next.
    reading.catch(() => {
      if (known === reading) known = undefined
    })
    return reading
  }
  return {
    read(): Promise<Waiting[]> {
      if (known && now() - readAtMs < RECOUNT_MS) return known
      readAtMs = now()
      return keep(history.waiting())
    },
    add(person: string): void {
      if (!known) return
      void keep(known.then(all => [...all, { person, count: 1, oldestAt: new Date(now()).toISOString() }]))
    },
  }
}
