import type { Bus, BusRecord, Subscription, TopicPartition } from '../../../shared/bus/bus.ts'
import { openKeyedExecutor } from '../../../shared/bus/consumer/keyed-executor.ts'
import { type OffsetTracker, openOffsetTracker } from '../../../shared/bus/consumer/offset-tracker.ts'
import { MAX_BUFFERED_PER_KEY, type Overflow, openOverflow } from '../../../shared/bus/consumer/overflow.ts'
import { functionGroup } from '../../../shared/contract/consumer-groups.ts'
import { DEFAULT_CONCURRENCY } from '../../../shared/contract/invoke.ts'
import type { InFlight } from '../../../shared/operations/in-flight.ts'
import { createDeliveryTask, type DeliveryDependencies } from './delivery.ts'
import { openLastPublished } from './last-published.ts'

/**
 * The worker pauses a partition with this much unfinished work in memory, and resumes it when half of the work is done.
 */
export const MAX_UNFINISHED = 1_000
/** The same limit for all records behind an unfinished one: memory holds their offsets, and a crash may repeat them. */
const MAX_UNCOMMITTED_SPAN = 50_000
/**
 * The time in ms that finished work waits before its commit: on the embedded log each commit is a sync of its own.
 * After a crash, readers recognise repeated records by their ids.
 */
export const COMMIT_INTERVAL_MS = 500

export type Worker = {
  topics: string[]
  setConcurrency(limit: number): void
  /** The in-flight status of each received, unfinished record. */
  inFlight(): ReadonlyMap<BusRecord, InFlight>
  /** Takes no more events, ends running attempts, commits finished records and leaves the group. */
  close(): Promise<void>
}

/** `overflowCount`: the number of unfinished records that are not in memory. */
type PartitionState = {
  topicPartition: TopicPartition
  tracker: OffsetTracker
  isPaused: boolean
  overflow: Overflow
  overflowCount: number
}

/**
 * Reads the topics of one function in its own consumer group. Different keys run at once; one key runs in order, over
 * all topics of the function. The worker commits offsets up to the lowest unfinished one, as Confluent's Parallel
 * Consumer does.
 */
export async function startWorker(
  bus: Bus,
  topics: string[],
  dependencies: Omit<DeliveryDependencies, 'signal' | 'published'>,
): Promise<Worker> {
  const executor = openKeyedExecutor(DEFAULT_CONCURRENCY)
  const stop = new AbortController()
  const partitions = new Map<string, PartitionState>()
  const inFlight = new Map<BusRecord, InFlight>()
  const delivery = { ...dependencies, signal: stop.signal, published: openLastPublished() }
  const committer = openCommitter(partitions, dependencies)

  const partitionStateOf = ({ topic, partition }: TopicPartition): PartitionState => {
    const id = `${topic}/${partition}`
    const known = partitions.get(id)
    if (known) return known
    const created = {
      topicPartition: { topic, partition },
      tracker: openOffsetTracker(),
      isPaused: false,
      overflow: openOverflow(bus, dependencies.log),
      overflowCount: 0,
    }
    partitions.set(id, created)
    return created
  }
  const receive = (record: BusRecord) => {
    // Records that arrive while the worker closes stay for the next reader.
    if (stop.signal.aborted) return
    const partition = partitionStateOf(record)
    const isNew = partition.tracker.start(record.offset)
    dependencies.metrics?.received(dependencies.function, record.topic, !isNew)
    if (!isNew) return
    const status: InFlight = {}
    const createTask = (whole: BusRecord) => createDeliveryTask(whole, delivery, status)
    const overflows = executor.pendingCount(record.key) >= MAX_BUFFERED_PER_KEY
    const recordOrStub = overflows ? partition.overflow.toStub(record) : record
    if (overflows) partition.overflowCount++
    const runAttempt = overflows
      ? partition.overflow.createTask(recordOrStub, createTask, () => partition.overflowCount--)
      : createTask(record)
    inFlight.set(recordOrStub, status)
    const attemptUnlessRevoked = async () => {
      if (partition.tracker.isRevoked) return 'done'
      const outcome = await runAttempt()
      if (partition.tracker.isRevoked) return 'done'
      if (outcome === 'done') finishRecord(partition, recordOrStub.offset)
      return outcome
    }
    executor.add(record.key, async () => {
      const outcome = await attemptUnlessRevoked()
      if (outcome === 'done') inFlight.delete(recordOrStub)
      return outcome
    })
    if (!partition.isPaused && isFull(partition, 1)) {
      partition.isPaused = true
      subscription.pause([partition.topicPartition])
    }
  }
  const finishRecord = (partition: PartitionState, offset: number) => {
    partition.tracker.finish(offset)
    committer.schedule(subscription)
    if (partition.isPaused && !stop.signal.aborted && !isFull(partition, 1 / 2)) {
      partition.isPaused = false
      subscription.resume([partition.topicPartition])
    }
  }

  /**
   * Running attempts of a lost partition end here, and the status counts them until then. The new owner handles waiting
   * records.
   */
  const revokePartition = ({ topic, partition }: TopicPartition) => {
    const id = `${topic}/${partition}`
    const lost = partitions.get(id)
    if (lost) lost.tracker.isRevoked = true
    partitions.delete(id)
    for (const [recordOrStub, { runningSinceMs }] of inFlight)
      if (
        recordOrStub.topic === topic &&
        recordOrStub.partition === partition &&
        runningSinceMs === undefined
      )
        inFlight.delete(recordOrStub)
  }

  // A bus may deliver before it returns the subscription, and pausing and committing need the subscription.
  const earlyRecords: BusRecord[] = []
  let onRecords = (records: BusRecord[]): void => {
    earlyRecords.push(...records)
  }
  const subscription: Subscription = await bus.subscribe({
    group: functionGroup(dependencies.function),
    topics,
    onRecords: records => onRecords(records),
    onRevoked: revoked => {
      for (const at of revoked) revokePartition(at)
    },
    onError: error => dependencies.log.warn({ err: error }, 'the subscription is broken; it is trying again'),
  })
  onRecords = records => records.forEach(receive)
  onRecords(earlyRecords)
  return {
    topics,
    setConcurrency: limit => executor.setConcurrency(limit),
    inFlight: () => inFlight,
    async close() {
      stop.abort()
      await executor.close()
      await committer.close(subscription)
      await subscription.close()
    },
  }
}

const isFull = ({ tracker, overflowCount }: PartitionState, share: number): boolean =>
  tracker.unfinishedCount() - overflowCount >= MAX_UNFINISHED * share ||
  tracker.span() >= MAX_UNCOMMITTED_SPAN * share

/**
 * Commits finished records, one commit at a time. After a failed commit it tries again, with the records finished by
 * then.
 */
function openCommitter(partitions: Map<string, PartitionState>, { log }: Pick<DeliveryDependencies, 'log'>) {
  let timer: NodeJS.Timeout | undefined
  let lastCommit = Promise.resolve()
  let closed = false

  const commit = async (subscription: Subscription): Promise<void> => {
    timer = undefined
    const toCommit = [...partitions.values()].flatMap(({ topicPartition, tracker }) => {
      const offset = tracker.offsetToCommit()
      return offset === undefined ? [] : [{ progress: tracker, position: { ...topicPartition, offset } }]
    })
    if (toCommit.length === 0) return
    try {
      await subscription.commit(toCommit.map(({ position }) => position))
      for (const { progress, position } of toCommit) progress.markCommitted(position.offset)
    } catch (error) {
      log.warn({ err: error }, 'positions could not be committed; trying again')
      schedule(subscription)
    }
  }
  const schedule = (subscription: Subscription) => {
    if (closed) return
    timer ??= setTimeout(() => {
      lastCommit = lastCommit.then(() => commit(subscription))
    }, COMMIT_INTERVAL_MS)
  }
  return {
    schedule,
    async close(subscription: Subscription): Promise<void> {
      closed = true
      clearTimeout(timer)
      await lastCommit
      await commit(subscription)
    },
  }
}
