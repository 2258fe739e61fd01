import { type Backoff, backoffMs } from '../../shared/base/concurrency/backoff.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Bus, BusRecord, Subscription } from '../../shared/bus/bus.ts'
import { openKeyedExecutor, type TaskOutcome } from '../../shared/bus/consumer/keyed-executor.ts'
import { type OffsetTracker, openOffsetTracker } from '../../shared/bus/consumer/offset-tracker.ts'

/** The consumer pauses a partition with this much unfinished work, and resumes it when half is done. */
const MAX_IN_FLIGHT = 1_000
const COMMIT_INTERVAL_MS = 100
/** A delivery may wait for days between its attempts, so deliveries do not take slots from each other. */
const UNLIMITED = Number.POSITIVE_INFINITY
const RETRY_BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 }

export type OrderedConsumerOptions = {
  group: string
  topic: string
  /**
   * Handles the records of a key one after the other, and different keys at once. The consumer repeats a rejected
   * record.
   */
  handle(record: BusRecord, isLost: () => boolean): Promise<void>
  /** After the abort, the consumer starts nothing new. */
  signal: AbortSignal
  log: Logger
}

type PartitionState = { tracker: OffsetTracker; isPaused: boolean }

/** Reads a topic in a group, and commits each partition up to its lowest unfinished record. */
export async function openOrderedConsumer(
  bus: Bus,
  { group, topic, handle, signal, log }: OrderedConsumerOptions,
): Promise<{ close(): Promise<void> }> {
  const partitions = new Map<number, PartitionState>()
  const executor = openKeyedExecutor(UNLIMITED)
  const subscriptionReady = Promise.withResolvers<Subscription>()
  const committer = openCommitter(partitions, {
    group,
    topic,
    signal,
    log,
    subscription: subscriptionReady.promise,
  })

  const stateOf = (partition: number): PartitionState => {
    const state = partitions.get(partition) ?? { tracker: openOffsetTracker(), isPaused: false }
    partitions.set(partition, state)
    return state
  }
  const setPaused = async (partition: number, state: PartitionState, isPaused: boolean) => {
    state.isPaused = isPaused
    const subscription = await subscriptionReady.promise
    if (isPaused) subscription.pause([{ topic, partition }])
    else subscription.resume([{ topic, partition }])
  }
  const finish = ({ partition, offset }: BusRecord, state: PartitionState) => {
    state.tracker.finish(offset)
    committer.schedule()
    if (state.isPaused && state.tracker.unfinishedCount() <= MAX_IN_FLIGHT / 2)
      void setPaused(partition, state, false)
  }
  const createTask = (record: BusRecord, state: PartitionState) => {
    let failures = 0
    return async (): Promise<TaskOutcome> => {
      if (signal.aborted || state.tracker.isRevoked) return 'done'
      try {
        await handle(record, () => state.tracker.isRevoked)
        finish(record, state)
        return 'done'
      } catch (error) {
        // While the consumer closes, the record stays uncommitted and is delivered again.
        if (signal.aborted) return 'done'
        const retryInMs = backoffMs(++failures, RETRY_BACKOFF)
        log.error(
          { group, offset: record.offset, retryInMs, err: error },
          'a record could not be handled; trying again',
        )
        return { retryInMs }
      }
    }
  }
  const enqueue = (record: BusRecord) => {
    const state = stateOf(record.partition)
    if (signal.aborted || !state.tracker.start(record.offset)) return
    if (!state.isPaused && state.tracker.unfinishedCount() >= MAX_IN_FLIGHT)
      void setPaused(record.partition, state, true)
    executor.add(record.key, createTask(record, state))
  }

  const subscription = await bus.subscribe({
    group,
    topics: [topic],
    onRecords: records => records.forEach(enqueue),
    onRevoked(revoked) {
      for (const { partition } of revoked) {
        const state = partitions.get(partition)
        if (state) state.tracker.isRevoked = true
        partitions.delete(partition)
      }
    },
    onError: error => log.warn({ group, err: error }, 'the subscription is broken; it is trying again'),
  })
  subscriptionReady.resolve(subscription)
  return {
    async close() {
      await executor.close()
      await committer.close()
      await subscription.close()
    },
  }
}

type CommitterOptions = Pick<OrderedConsumerOptions, 'group' | 'topic' | 'signal' | 'log'> & {
  subscription: Promise<Subscription>
}

/** Commits finished records, one commit at a time: an earlier commit that arrives late would move the group back. */
function openCommitter(
  partitions: Map<number, PartitionState>,
  { group, topic, signal, log, subscription }: CommitterOptions,
) {
  let timer: NodeJS.Timeout | undefined
  let committing = Promise.resolve()
  const commitFinished = async () => {
    const advanced = [...partitions].flatMap(([partition, { tracker }]) => {
      const offset = tracker.offsetToCommit()
      return offset === undefined ? [] : [{ tracker, position: { topic, partition, offset } }]
    })
    if (advanced.length === 0) return
    try {
      await (await subscription).commit(advanced.map(({ position }) => position))
      for (const { tracker, position } of advanced) tracker.markCommitted(position.offset)
    } catch (error) {
      log.warn({ group, err: error }, 'positions could not be committed; trying again')
      schedule()
    }
  }
  const commit = (): Promise<void> => {
    timer = undefined
    committing = committing.then(commitFinished)
    return committing
  }
  const schedule = () => {
    if (!signal.aborted) timer ??= setTimeout(() => void commit(), COMMIT_INTERVAL_MS)
  }
  return {
    schedule,
    async close(): Promise<void> {
      clearTimeout(timer)
      await commit()
    },
  }
}
