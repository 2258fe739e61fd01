import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Bus, BusMessage, BusRecord } from '../bus/bus.ts'
import { type LaresEvent, parseEvent } from '../contract/events/event.ts'
import { resolveDataRef } from '../contract/events/event-log.ts'
import { eventFromRecord, eventToRecord } from '../contract/events/kafka-binding.ts'
import type { Objects } from '../objects/objects.ts'
import { parseRecordBody } from '../store/record-body.ts'
import type { Records } from '../store/store.ts'
import type { DeadLetter, DeadLetters } from './operations.ts'

const DEAD_LETTER_TOPIC = 'lares.deadletter'
const RETRIED_COLLECTION = 'dead-retried'
const PAGE_SIZE = 200

type DeadLetterEvent = LaresEvent<'lares.deadletter.recorded'>

export type DeadLetterDependencies = {
  bus: Bus
  /** Holds the data of large events. */
  objects: Objects
  /** Record which dead letters an operator has put back. */
  records: Records
  now?: () => number
}

const retriedSchema = z.object({ retriedAt: z.string() })

/** The dead letters on the bus. */
export function openDeadLetters({
  bus,
  objects,
  records,
  now = Date.now,
}: DeadLetterDependencies): DeadLetters {
  const retriedAt = async (id: string): Promise<{ retriedAt?: string }> => {
    const retryRecord = await records.get({ collection: RETRIED_COLLECTION, person: '', id })
    return retryRecord ? parseRecordBody(retriedSchema, RETRIED_COLLECTION, retryRecord) : {}
  }
  const summary = async (deadLetterEvent: DeadLetterEvent): Promise<DeadLetter> => ({
    ...summaryOf(deadLetterEvent),
    ...(await retriedAt(deadLetterEvent.id)),
  })
  const findDeadLetter = async (id: string): Promise<DeadLetterEvent> => {
    for await (const deadLetterEvent of readDeadLetters(bus, objects))
      if (deadLetterEvent.id === id) return deadLetterEvent
    throw new LaresError('not_found', `there is no dead letter "${id}": lares dead list names them`)
  }
  return {
    async list() {
      // After a crash the connector may record a dead letter twice; the second one says nothing new.
      const found = new Map<string, DeadLetter>()
      for await (const deadLetterEvent of readDeadLetters(bus, objects))
        if (!found.has(deadLetterEvent.id)) found.set(deadLetterEvent.id, await summary(deadLetterEvent))
      return [...found.values()].sort(compareByTime)
    },
    async show(id) {
      const deadLetterEvent = await findDeadLetter(id)
      const { event, raw } = deadLetterEvent.data
      return {
        ...(await summary(deadLetterEvent)),
        ...(event && { event }),
        ...(raw !== undefined && { raw }),
      }
    },
    async retry(id) {
      const deadLetterEvent = await findDeadLetter(id)
      await bus.publish([originalMessage(deadLetterEvent)])
      const retriedAt = new Date(now()).toISOString()
      const retryRecord = { id, person: '', text: '', body: { retriedAt }, createdAt: retriedAt }
      await records.put(RETRIED_COLLECTION, retryRecord)
      return { ...summaryOf(deadLetterEvent), retriedAt }
    },
  }
}

/** Reads in the order of each partition, and page by page, because a read without a limit would cut off the newest. */
async function* readDeadLetters(bus: Bus, objects: Objects): AsyncGenerator<DeadLetterEvent> {
  const partitions = await bus.lag('lares.dead', [DEAD_LETTER_TOPIC])
  for (const { partition } of partitions) {
    let records: BusRecord[]
    let offset = 0
    do {
      records = await bus.read(DEAD_LETTER_TOPIC, { partition, from: { offset }, limit: PAGE_SIZE })
      for (const record of records)
        if (!record.erased) yield (await resolveDataRef(eventFromRecord(record), objects)) as DeadLetterEvent
      offset = (records.at(-1)?.offset ?? 0) + 1
    } while (records.length === PAGE_SIZE)
  }
}

function summaryOf({ id, subject, time, data }: DeadLetterEvent): DeadLetter {
  const { event, raw: _, headers: __, ...where } = data
  const type = event?.type
  return { id, conversation: subject, recordedAt: time, ...where, ...(typeof type === 'string' && { type }) }
}

/** The record as it was on its topic. */
function originalMessage({ subject, data }: DeadLetterEvent): BusMessage {
  const { topic, event, raw = '', headers = {} } = data
  if (event) return { ...eventToRecord(parseEvent(event)), topic }
  return { topic, key: subject, headers, value: Buffer.from(raw, 'base64') }
}

const compareByTime = (a: DeadLetter, b: DeadLetter): number =>
  a.recordedAt < b.recordedAt ? -1 : a.recordedAt > b.recordedAt ? 1 : a.offset - b.offset
