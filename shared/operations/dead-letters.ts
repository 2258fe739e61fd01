import { LaresError } from '../base/errors.ts'
import type { Bus, BusMessage, BusRecord } from '../bus/bus.ts'
import { checkEvent, type LaresEvent } from '../contract/events/event.ts'
import { claim } from '../contract/events/event-log.ts'
import { fromRecord, toRecord } from '../contract/events/kafka-binding.ts'
import type { Objects } from '../objects/objects.ts'
import type { Documents } from '../store/store.ts'
import type { DeadLetter, DeadLetters } from './operations.ts'

const TOPIC = 'lares.deadletter'
const COLLECTION = 'dead-retried'
const PAGE = 200

type Recorded = LaresEvent<'lares.deadletter.recorded'>

export type DeadLetterParts = {
  bus: Bus
  /** Where the data of large ones is. */
  objects: Objects
  /** Where it is kept which ones were put back. */
  documents: Documents
  now?: () => number
}

/** The dead letters on the bus. */
export function openDeadLetters({ bus, objects, documents, now = Date.now }: DeadLetterParts): DeadLetters {
  const retriedAt = async (id: string): Promise<{ retriedAt?: string }> => {
    const mark = await documents.get({ collection: COLLECTION, person: '', id })
    return mark ? { retriedAt: (mark.body as { retriedAt: string }).retriedAt } : {}
  }
  const summary = async (recorded: Recorded): Promise<DeadLetter> => ({
    ...summaryOf(recorded),
    ...(await retriedAt(recorded.id)),
  })
  const find = async (id: string): Promise<Recorded> => {
    for await (const recorded of readAll(bus, objects)) if (recorded.id === id) return recorded
    throw new LaresError('not_found', `there is no dead letter "${id}": lares dead list names them`)
  }
  return {
    async list() {
      // The connector may record one twice when it crashes; the second says nothing new.
      const found = new Map<string, DeadLetter>()
      for await (const recorded of readAll(bus, objects))
        if (!found.has(recorded.id)) found.set(recorded.id, await summary(recorded))
      return [...found.values()].sort(byTime)
    },
    async show(id) {
      const recorded = await find(id)
      const { event, raw } = recorded.data
      return { ...(await summary(recorded)), ...(event && { event }), ...(raw !== undefined && { raw }) }
    },
    async retry(id) {
      const recorded = await find(id)
      await bus.publish([messageOf(recorded)])
      const retriedAt = new Date(now()).toISOString()
      const mark = { id, person: '', text: '', body: { retriedAt }, createdAt: retriedAt }
      await documents.put(COLLECTION, mark)
      return { ...summaryOf(recorded), retriedAt }
    },
  }
}

/** In the order of each partition; page by page, as a read without a limit would cut off the newest. */
async function* readAll(bus: Bus, objects: Objects): AsyncGenerator<Recorded> {
  const partitions = await bus.lag('lares.dead', [TOPIC])
  for (const { partition } of partitions) {
    let records: BusRecord[]
    let offset = 0
    do {
      records = await bus.read(TOPIC, { partition, from: { offset }, limit: PAGE })
      for (const record of records)
        if (!record.forgotten) yield (await claim(fromRecord(record), objects)) as Recorded
      offset = (records.at(-1)?.offset ?? 0) + 1
    } while (records.length === PAGE)
  }
}

function summaryOf({ id, subject, time, data }: Recorded): DeadLetter {
  const { event, raw: _, headers: __, ...where } = data
  const type = event?.type
  return { id, conversation: subject, recordedAt: time, ...where, ...(typeof type === 'string' && { type }) }
}

/** The record as it lay on its topic. */
function messageOf({ subject, data }: Recorded): BusMessage {
  const { topic, event, raw = '', headers = {} } = data
  if (event) return { ...toRecord(checkEvent(event)), topic }
  return { topic, key: subject, headers, value: Buffer.from(raw, 'base64') }
}

const byTime = (a: DeadLetter, b: DeadLetter): number =>
  a.recordedAt < b.recordedAt ? -1 : a.recordedAt > b.recordedAt ? 1 : a.offset - b.offset
