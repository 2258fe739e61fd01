import type { Bus, BusRecord, Subscription, TopicPartition } from '../../../shared/bus/bus.ts'
import { functionGroup } from '../../../shared/contract/consumer-groups.ts'
import { DEFAULT_CONCURRENCY } from '../../../shared/contract/invoke.ts'
import type { Standing } from '../../../shared/operations/in-flight.ts'
import { type DeliveryParts, deliver } from './delivery.ts'
import { openLanes } from './keyed-executor.ts'
import { openPublished } from './last-published.ts'
import { openProgress, type Progress } from './offset-tracker.ts'
import { MAX_HELD, openSpill, type Spill } from './overflow.ts'

/** A partition with this much unfinished work in memory is paused, and goes on when half of it is done. */
export const MAX_UNFINISHED = 1_000
/** The same for all work behind an unfinished record: its places are kept in memory, and it may come again after a crash. */
const MAX_SPAN = 50_000
/**
 * How long finished work waits for more before it is committed: on the embedded log each commit is a sync of its own.
 * What a crash makes come again is told by its id.
 */
export const COMMIT_EVERY_MS = 500

export type Worker = {
  topics: string[]
  setConcurrency(limit: number): void
  /** Where each record that came and is not finished stands. */
  standings(): ReadonlyMap<BusRecord, Standing>
  /** Stops taking events, ends what runs, commits what is finished, leaves the group. */
  close(): Promise<void>
}

/** `spilled`: unfinished records that are not in memory. */
type Partition = { at: TopicPartition; progress: Progress; paused: boolean; spill: Spill; spilled: number }

/**
 * Reads the topics of one function in its own consumer group. Keys run at once, one key in order, over all topics of
 * the function. Offsets are committed up to the lowest unfinished one (as Confluent's Parallel Consumer does).
 */
export async function startWorker(
  bus: Bus,
  topics: string[],
  parts: Omit<DeliveryParts, 'signal' | 'published'>,
): Promise<Worker> {
  const lanes = openLanes(DEFAULT_CONCURRENCY)
  const stop = new AbortController()
  const partitions = new Map<string, Partition>()
  const standings = new Map<BusRecord, Standing>()
  const delivery = { ...parts, signal: stop.signal, published: openPublished() }
  const commits = openCommits(partitions, parts)

  const partitionOf = ({ topic, partition }: TopicPartition): Partition => {
    const id = `${topic}/${partition}`
    const known = partitions.get(id)
    if (known) return known
    const made = {
      at: { topic, partition },
      progress: openProgress(),
      paused: false,
      spill: openSpill(bus, parts.log),
      spilled: 0,
    }
    partitions.set(id, made)
    return made
  }
  const take = (record: BusRecord) => {
    // What comes while the worker closes stays for whoever reads next.
    if (stop.signal.aborted) return
    const partition = partitionOf(record)
    const isNew = partition.progress.started(record.offset)
    parts.metrics?.came(parts.function, record.topic, !isNew)
    if (!isNew) return
    const standing: Standing = {}
    const open = (whole: BusRecord) => deliver(whole, delivery, standing)
    const floods = lanes.waiting(record.key) >= MAX_HELD
    const held = floods ? partition.spill.stub(record) : record
    if (floods) partition.spilled++
    const run = floods ? partition.spill.task(held, open, () => partition.spilled--) : open(record)
    standings.set(held, standing)
    const tryOnce = async () => {
      if (partition.progress.lost) return 'done'
      const outcome = await run()
      if (partition.progress.lost) return 'done'
      if (outcome === 'done') finish(partition, held.offset)
      return outcome
    }
    lanes.add(record.key, async () => {
      const outcome = await tryOnce()
      if (outcome === 'done') standings.delete(held)
      return outcome
    })
    if (!partition.paused && isFull(partition, 1)) {
      partition.paused = true
      subscription.pause([partition.at])
    }
  }
  const finish = (partition: Partition, offset: number) => {
    partition.progress.finished(offset)
    commits.schedule(subscription)
    if (partition.paused && !stop.signal.aborted && !isFull(partition, 1 / 2)) {
      partition.paused = false
      subscription.resume([partition.at])
    }
  }

  /** What runs of it runs to its end, and stands here until then; what waits is whoever's it is by now. */
  const lose = ({ topic, partition }: TopicPartition) => {
    const id = `${topic}/${partition}`
    const lost = partitions.get(id)
    if (lost) lost.progress.lost = true
    partitions.delete(id)
    for (const [held, { runningSinceMs }] of standings)
      if (held.topic === topic && held.partition === partition && runningSinceMs === undefined)
        standings.delete(held)
  }

  // A bus may deliver before it has given the subscription, without which nothing can be paused or committed.
  const early: BusRecord[] = []
  let onRecords = (records: BusRecord[]): void => {
    early.push(...records)
  }
  const subscription: Subscription = await bus.subscribe({
    group: functionGroup(parts.function),
    topics,
    onRecords: records => onRecords(records),
    onRevoked: revoked => {
      for (const at of revoked) lose(at)
    },
    onError: error => parts.log.warn({ err: error }, 'the subscription is broken; it is trying again'),
  })
  onRecords = records => records.forEach(take)
  onRecords(early)
  return {
    topics,
    setConcurrency: limit => lanes.setLimit(limit),
    standings: () => standings,
    async close() {
      stop.abort()
      await lanes.close()
      await commits.close(subscription)
      await subscription.close()
    },
  }
}

const isFull = ({ progress, spilled }: Partition, share: number): boolean =>
  progress.unfinished() - spilled >= MAX_UNFINISHED * share || progress.span() >= MAX_SPAN * share

/** Commits what is finished, one commit at a time; one that fails is tried again with whatever is finished by then. */
function openCommits(partitions: Map<string, Partition>, { log }: Pick<DeliveryParts, 'log'>) {
  let timer: NodeJS.Timeout | undefined
  let last = Promise.resolve()
  let closed = false

  const commit = async (subscription: Subscription): Promise<void> => {
    timer = undefined
    const moved = [...partitions.values()].flatMap(({ at, progress }) => {
      const offset = progress.uncommitted()
      return offset === undefined ? [] : [{ progress, position: { ...at, offset } }]
    })
    if (moved.length === 0) return
    try {
      await subscription.commit(moved.map(({ position }) => position))
      for (const { progress, position } of moved) progress.committed(position.offset)
    } catch (error) {
      log.warn({ err: error }, 'positions could not be committed; trying again')
      schedule(subscription)
    }
  }
  const schedule = (subscription: Subscription) => {
    if (closed) return
    timer ??= setTimeout(() => {
      last = last.then(() => commit(subscription))
    }, COMMIT_EVERY_MS)
  }
  return {
    schedule,
    async close(subscription: Subscription): Promise<void> {
      closed = true
      clearTimeout(timer)
      await last
      await commit(subscription)
    },
  }
}
