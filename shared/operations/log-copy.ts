import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Bus, BusRecord, TopicPartition } from '../bus/bus.ts'
import { deliveryGroup, functionGroup } from '../contract/consumer-groups.ts'
import type { DeployedFunction } from '../contract/stack.ts'
import { fixedTopics } from '../contract/topics.ts'

/** The position of a consumer group: every record of the partition below `offset` is handled. */
export const logPositionSchema = z.strictObject({
  group: z.string(),
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
})
export type LogPosition = z.infer<typeof logPositionSchema>

/** A record of the log as it is stored; its value is in base64. */
export const logRecordSchema = z.strictObject({
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  key: z.string(),
  headers: z.record(z.string(), z.string()),
  value: z.base64(),
})
export type LogRecord = z.infer<typeof logRecordSchema>

/**
 * Reads the log for a backup: the positions before the store, and the records after it. docs/upgrades.md gives the
 * reason.
 */
export type LogCopy = {
  positions(): Promise<LogPosition[]>
  records(): AsyncIterable<LogRecord>
}

export type LogCopyOptions = {
  /** The log without decryption: records are copied as they are stored. */
  bus: Bus
  functions: () => Promise<Pick<DeployedFunction, 'name' | 'topics'>[]>
  /** The names of the channels that the gateway delivers replies to. */
  deliveries: string[]
}

const REPLY_TOPIC = 'lares.reply'
const PAGE_SIZE = 500

export function openLogCopy({ bus, functions, deliveries }: LogCopyOptions): LogCopy {
  return {
    async positions() {
      const groups = [
        ...(await functions()).map(({ name, topics }) => ({ group: functionGroup(name), topics })),
        ...deliveries.map(name => ({ group: deliveryGroup(name), topics: [REPLY_TOPIC] })),
      ]
      const positions = groups.map(async ({ group, topics }) =>
        (await bus.lag(group, topics)).flatMap(({ topic, partition, committed }) =>
          committed === null ? [] : [{ group, topic, partition, offset: committed }],
        ),
      )
      return (await Promise.all(positions)).flat()
    },
    async *records() {
      const read = (await functions()).flatMap(({ topics }) => topics)
      const topics = new Set([...fixedTopics().map(({ name }) => name), ...read])
      // Any group shows the partitions and where each ends.
      for (const topic of topics)
        for (const { partition, end } of await bus.lag(functionGroup('backup'), [topic]))
          yield* readPartition(bus, { topic, partition }, end)
    },
  }
}

/** The records of one partition that existed when the reading began. */
async function* readPartition(
  bus: Bus,
  { topic, partition }: TopicPartition,
  end: number,
): AsyncGenerator<LogRecord> {
  let offset = 0
  while (offset < end) {
    const records = await bus.read(topic, { partition, from: { offset }, limit: PAGE_SIZE })
    for (const record of records) if (record.offset < end) yield toLogRecord(record)
    const last = records.at(-1)
    if (last === undefined) return
    offset = last.offset + 1
  }
}

const toLogRecord = ({ topic, partition, offset, key, headers, value }: BusRecord): LogRecord => ({
  topic,
  partition,
  offset,
  key,
  headers,
  value: value.toString('base64'),
})

/** Errors: `invalid_result`, with the name of the part. */
export function parseLogPart<T extends z.ZodType>(schema: T, json: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(json))
  } catch (cause) {
    throw new LaresError('invalid_result', 'the gateway sent a log that is not of this version of Lares', {
      cause,
    })
  }
}
