import type { Logger } from '../../shared/base/log.ts'
import type { Bus, BusRecord, Position, Subscription } from '../../shared/bus/bus.ts'

/** A partition with this much unfinished work is paused, and goes on when half of it is done. */
const MAX_IN_FLIGHT = 1_000
const COMMIT_INTERVAL_MS = 100

export type OrderedConsumerOptions = {
  group: string
  topic: string
  /** Records of one key come one after the other; of different keys at once. One that rejects comes again later. */
  handle(record: BusRecord, isLost: () => boolean): Promise<void>
  /** When it is aborted nothing new is begun. */
  signal: AbortSignal
  log: Logger
}

type PartitionState = {
  /** Ascending, as they came. */
  inFlight: Set<number>
  nextOffset: number
  committedOffset: number
  isPaused: boolean
  isRevoked: boolean
}

/** Reads a topic in a group, and commits each partition up to its lowest unfinished record. */
export async function openOrderedConsumer(
  bus: Bus,
  { group, topic, handle, signal, log }: OrderedConsumerOptions,
): Promise<{ close(): Promise<void> }> {
  const partitions = new Map<number, PartitionState>()
  const chains = new Map<string, Promise<void>>()
  const subscriptionReady = Promise.withResolvers<Subscription>()
  let timer: NodeJS.Timeout | undefined
  /** One at a time: an earlier one that arrives late would move the group back. */
  let committing = Promise.resolve()

  const commit = (): Promise<void> => {
    timer = undefined
    committing = committing.then(commitFinished)
    return committing
  }
  const commitFinished = async () => {
    const advanced = [...partitions].flatMap(([partition, state]) => {
      const [offset = state.nextOffset] = state.inFlight
      return offset > state.committedOffset ? [{ state, position: { topic, partition, offset } }] : []
    })
    if (advanced.length === 0) return
    const positions: Position[] = advanced.map(({ position }) => position)
    try {
      await (await subscriptionReady.promise).commit(positions)
      for (const { state, position } of advanced) state.committedOffset = position.offset
    } catch (error) {
      log.warn({ group, err: error }, 'positions could not be committed; trying again')
      scheduleCommit()
    }
  }
  const scheduleCommit = () => {
    if (!signal.aborted) timer ??= setTimeout(() => void commit(), COMMIT_INTERVAL_MS)
  }
  const stateOf = (number: number): PartitionState => {
    const known = partitions.get(number)
    if (known) return known
    const created = {
      inFlight: new Set<number>(),
      nextOffset: 0,
      committedOffset: -1,
      isPaused: false,
      isRevoked: false,
    }
    partitions.set(number, created)
    return created
  }
  const setPaused = async (partition: number, state: PartitionState, isPaused: boolean) => {
    state.isPaused = isPaused
    const subscription = await subscriptionReady.promise
    if (isPaused) subscription.pause([{ topic, partition }])
    else subscription.resume([{ topic, partition }])
  }
  const handleRecord = async (record: BusRecord, state: PartitionState) => {
    if (signal.aborted || state.isRevoked) return
    await handle(record, () => state.isRevoked)
    state.inFlight.delete(record.offset)
    scheduleCommit()
    if (state.isPaused && state.inFlight.size <= MAX_IN_FLIGHT / 2)
      await setPaused(record.partition, state, false)
  }
  const enqueue = (record: BusRecord) => {
    const state = stateOf(record.partition)
    if (record.offset < state.nextOffset || signal.aborted) return
    state.nextOffset = record.offset + 1
    state.inFlight.add(record.offset)
    if (!state.isPaused && state.inFlight.size >= MAX_IN_FLIGHT) void setPaused(record.partition, state, true)
    const chain = (chains.get(record.key) ?? Promise.resolve())
      .then(() => handleRecord(record, state))
      .catch(error => {
        // It stays uncommitted and comes again.
        if (!signal.aborted) log.error({ group, offset: record.offset, err: error }, 'a record was left')
      })
      .finally(() => chains.get(record.key) === chain && chains.delete(record.key))
    chains.set(record.key, chain)
  }

  const subscription = await bus.subscribe({
    group,
    topics: [topic],
    onRecords: records => records.forEach(enqueue),
    onRevoked(revoked) {
      for (const { partition } of revoked) {
        const state = partitions.get(partition)
        if (state) state.isRevoked = true
        partitions.delete(partition)
      }
    },
    onError: error => log.warn({ group, err: error }, 'the subscription is broken; it is trying again'),
  })
  subscriptionReady.resolve(subscription)
  return {
    async close() {
      clearTimeout(timer)
      await Promise.all(chains.values())
      await commit()
      await subscription.close()
    },
  }
}
