import type { Log } from '../../shared/base/log.ts'
import type { Bus, BusRecord, Position, Subscription } from '../../shared/bus/bus.ts'

/** A partition with this much unfinished work is paused, and goes on when half of it is done. */
const MAX_UNFINISHED = 1_000
const COMMIT_EVERY_MS = 100

export type ReadingOptions = {
  group: string
  topic: string
  /** Records of one key come one after the other; of different keys at once. One that rejects comes again later. */
  handle(record: BusRecord, isLost: () => boolean): Promise<void>
  /** When it is aborted nothing new is begun. */
  signal: AbortSignal
  log: Log
}

type Partition = {
  /** Ascending, as they came. */
  unfinished: Set<number>
  next: number
  committed: number
  isPaused: boolean
  isLost: boolean
}

/** Reads a topic in a group, and commits each partition up to its lowest unfinished record. */
export async function readInOrder(
  bus: Bus,
  { group, topic, handle, signal, log }: ReadingOptions,
): Promise<{ close(): Promise<void> }> {
  const partitions = new Map<number, Partition>()
  const lanes = new Map<string, Promise<void>>()
  const subscribed = Promise.withResolvers<Subscription>()
  let timer: NodeJS.Timeout | undefined
  /** One at a time: an earlier one that arrives late would move the group back. */
  let committing = Promise.resolve()

  const commit = (): Promise<void> => {
    timer = undefined
    committing = committing.then(commitFinished)
    return committing
  }
  const commitFinished = async () => {
    const moved = [...partitions].flatMap(([partition, state]) => {
      const [offset = state.next] = state.unfinished
      return offset > state.committed ? [{ state, position: { topic, partition, offset } }] : []
    })
    if (moved.length === 0) return
    const positions: Position[] = moved.map(({ position }) => position)
    try {
      await (await subscribed.promise).commit(positions)
      for (const { state, position } of moved) state.committed = position.offset
    } catch (error) {
      log.warn({ group, err: error }, 'positions could not be committed; trying again')
      schedule()
    }
  }
  const schedule = () => {
    if (!signal.aborted) timer ??= setTimeout(() => void commit(), COMMIT_EVERY_MS)
  }
  const partitionOf = (number: number): Partition => {
    const known = partitions.get(number)
    if (known) return known
    const made = { unfinished: new Set<number>(), next: 0, committed: -1, isPaused: false, isLost: false }
    partitions.set(number, made)
    return made
  }
  const setPaused = async (partition: number, state: Partition, isPaused: boolean) => {
    state.isPaused = isPaused
    const subscription = await subscribed.promise
    if (isPaused) subscription.pause([{ topic, partition }])
    else subscription.resume([{ topic, partition }])
  }
  const work = async (record: BusRecord, state: Partition) => {
    if (signal.aborted || state.isLost) return
    await handle(record, () => state.isLost)
    state.unfinished.delete(record.offset)
    schedule()
    if (state.isPaused && state.unfinished.size <= MAX_UNFINISHED / 2)
      await setPaused(record.partition, state, false)
  }
  const take = (record: BusRecord) => {
    const state = partitionOf(record.partition)
    if (record.offset < state.next || signal.aborted) return
    state.next = record.offset + 1
    state.unfinished.add(record.offset)
    if (!state.isPaused && state.unfinished.size >= MAX_UNFINISHED)
      void setPaused(record.partition, state, true)
    const lane = (lanes.get(record.key) ?? Promise.resolve())
      .then(() => work(record, state))
      .catch(error => {
        // It stays uncommitted and comes again.
        if (!signal.aborted) log.error({ group, offset: record.offset, err: error }, 'a record was left')
      })
      .finally(() => lanes.get(record.key) === lane && lanes.delete(record.key))
    lanes.set(record.key, lane)
  }

  const subscription = await bus.subscribe({
    group,
    topics: [topic],
    onRecords: records => records.forEach(take),
    onRevoked(revoked) {
      for (const { partition } of revoked) {
        const state = partitions.get(partition)
        if (state) state.isLost = true
        partitions.delete(partition)
      }
    },
    onError: error => log.warn({ group, err: error }, 'the subscription is broken; it is trying again'),
  })
  subscribed.resolve(subscription)
  return {
    async close() {
      clearTimeout(timer)
      await Promise.all(lanes.values())
      await commit()
      await subscription.close()
    },
  }
}
