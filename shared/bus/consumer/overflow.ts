import type { Logger } from '../../base/log.ts'
import type { Bus, BusRecord } from '../bus.ts'
import type { Task, TaskOutcome } from './keyed-executor.ts'

/**
 * The number of records of one key that stay in memory. Of the records behind them, the worker keeps only the offsets
 * and reads them again in time.
 */
export const MAX_BUFFERED_PER_KEY = 50
/** The number of records that one read fetches. Those of the same key are kept for its next turns. */
const PAGE_SIZE = 100
const RETRY_DELAY_MS = 1_000
const EMPTY_VALUE = Buffer.alloc(0)

/**
 * Keeps a flooding conversation from filling its partition's share of memory, and so from blocking the conversations
 * behind it. Its records wait on the log, which holds them anyway.
 */
export type Overflow = {
  /** The record without its content. */
  toStub(record: BusRecord): BusRecord
  /**
   * Creates a task that reads the record first and then runs the task from `open`. It calls `onRead` after the read.
   */
  createTask(stub: BusRecord, open: (record: BusRecord) => Task, onRead: () => void): Task
}

export function openOverflow(bus: Pick<Bus, 'read'>, log: Logger): Overflow {
  const readAhead = new Map<string, BusRecord[]>()
  const readRecord = async (stub: BusRecord): Promise<BusRecord | undefined> => {
    const isSameRecord = (record: BusRecord) =>
      record.topic === stub.topic && record.partition === stub.partition && record.offset === stub.offset
    const buffered = readAhead.get(stub.key) ?? []
    const index = buffered.findIndex(isSameRecord)
    const found = index < 0 ? await readPage(bus, stub) : buffered.slice(index)
    if (found.length > 1) readAhead.set(stub.key, found.slice(1))
    else readAhead.delete(stub.key)
    return found[0] && isSameRecord(found[0]) ? found[0] : undefined
  }
  return {
    toStub: record => ({ ...record, headers: {}, value: EMPTY_VALUE }),
    createTask(stub, createRecordTask, onRead) {
      let recordTask: Task | undefined
      return async () => {
        if (recordTask) return await recordTask()
        try {
          const record = await readRecord(stub)
          recordTask = record ? createRecordTask(record) : expiredRecordTask(stub, log)
        } catch (error) {
          log.warn({ err: error }, 'a record that waited on the log cannot be read yet; trying again')
          return { retryInMs: RETRY_DELAY_MS }
        }
        onRead()
        return await recordTask()
      }
    },
  }
}

async function readPage(bus: Pick<Bus, 'read'>, { topic, partition, offset, key }: BusRecord) {
  const records = await bus.read(topic, { partition, from: { offset }, limit: PAGE_SIZE })
  return records.filter(record => record.key === key)
}

function expiredRecordTask({ topic, partition, offset }: BusRecord, log: Logger): Task {
  log.error(
    { topic, partition, offset },
    'a record has left the log before its turn: its retention is too short',
  )
  return async (): Promise<TaskOutcome> => 'done'
}
