import type { Log } from '../../../shared/base/log.ts'
import type { Bus, BusRecord } from '../../../shared/bus/bus.ts'
import type { Outcome, Task } from './keyed-executor.ts'

/** Records of one key that are kept in memory; of those behind them only the places are, and they are read again in time. */
export const MAX_HELD = 50
/** How many records one read brings: those of the key among them are kept for its next turns. */
const PAGE = 100
const RETRY_MS = 1_000
const NOTHING = Buffer.alloc(0)

/**
 * What keeps a conversation that floods from filling its partition's share of memory, and so from stopping the
 * conversations behind it. Its records wait on the log, where they are anyway.
 */
export type Spill = {
  /** The record without what is in it. */
  stub(record: BusRecord): BusRecord
  /** A task that reads the record first, and then does what `open` makes of it; `onRead` is called when it was read. */
  task(stub: BusRecord, open: (record: BusRecord) => Task, onRead: () => void): Task
}

export function openSpill(bus: Pick<Bus, 'read'>, log: Log): Spill {
  const ahead = new Map<string, BusRecord[]>()
  const read = async (stub: BusRecord): Promise<BusRecord | undefined> => {
    const isIt = (record: BusRecord) =>
      record.topic === stub.topic && record.partition === stub.partition && record.offset === stub.offset
    const kept = ahead.get(stub.key) ?? []
    const at = kept.findIndex(isIt)
    const found = at < 0 ? await readOn(bus, stub) : kept.slice(at)
    if (found.length > 1) ahead.set(stub.key, found.slice(1))
    else ahead.delete(stub.key)
    return found[0] && isIt(found[0]) ? found[0] : undefined
  }
  return {
    stub: record => ({ ...record, headers: {}, value: NOTHING }),
    task(stub, open, onRead) {
      let opened: Task | undefined
      return async () => {
        if (opened) return await opened()
        try {
          const record = await read(stub)
          opened = record ? open(record) : gone(stub, log)
        } catch (error) {
          log.warn({ err: error }, 'a record that waited on the log cannot be read yet; trying again')
          return { againInMs: RETRY_MS }
        }
        onRead()
        return await opened()
      }
    },
  }
}

async function readOn(bus: Pick<Bus, 'read'>, { topic, partition, offset, key }: BusRecord) {
  const records = await bus.read(topic, { partition, from: { offset }, limit: PAGE })
  return records.filter(record => record.key === key)
}

function gone({ topic, partition, offset }: BusRecord, log: Log): Task {
  log.error(
    { topic, partition, offset },
    'a record has left the log before its turn: its retention is too short',
  )
  return async (): Promise<Outcome> => 'done'
}
