import * as z from 'zod'
import { createLruCache } from '../../shared/base/lru-cache.ts'
import type { BusRecord } from '../../shared/bus/bus.ts'
import { type UndeliveredReply, undeliveredReplySchema } from '../../shared/operations/operations.ts'
import { parseRecordBody } from '../../shared/store/record-body.ts'
import type { JsonRecord, Records } from '../../shared/store/store.ts'
import type { Delivery } from '../channels/channel.ts'

const CURSOR_COLLECTION = 'delivered'
const UNDELIVERED_COLLECTION = 'undelivered'
const MAX_LISTED = 100
/**
 * After a crash that lost its commit, dialog publishes a reply again under its id. The ledger recognises this many of a
 * conversation's last replies.
 */
const MAX_IDS_PER_CONVERSATION = 100
/** The ids that one gateway caches. At a hand-over, the other gateway may overwrite the record with its own ids. */
const MAX_CACHED_IDS = 10_000

type LogPosition = Pick<BusRecord, 'topic' | 'partition' | 'offset' | 'timestampMs'>
const cursorSchema = z.object({
  partition: z.number(),
  offset: z.number(),
  timestampMs: z.number(),
  ids: z.array(z.string()),
})

/**
 * Records the replies of each channel in the store: each conversation's position, and the undelivered replies. The log
 * keeps a conversation's replies in order, so one cursor covers all records before it. The ids of the last replies
 * cover those that dialog has published again after the cursor.
 */
export type DeliveryLedger = {
  hasProcessed(delivery: Delivery, place: LogPosition): Promise<boolean>
  markProcessed(delivery: Delivery, place: LogPosition): Promise<void>
  markUndelivered(
    delivery: Delivery,
    place: LogPosition,
    why: { reason: string; tries: number; at: string },
  ): Promise<void>
  /** The undelivered reply with this id. */
  findUndelivered(reply: string): Promise<UndeliveredReply | undefined>
  /** Removes an undelivered reply that the channel has accepted after all. */
  clearUndelivered(reply: string): Promise<void>
}

export function openDeliveryLedger(records: Records, channel: string): DeliveryLedger {
  const cursorKey = (conversation: string) => ({
    collection: CURSOR_COLLECTION,
    person: '',
    id: `${channel}/${conversation}`,
  })
  const undeliveredKey = (reply: string) => ({
    collection: UNDELIVERED_COLLECTION,
    person: '',
    id: `${channel}/${reply}`,
  })
  const readCursor = async (conversation: string) => {
    const found = await records.get(cursorKey(conversation))
    return found && parseRecordBody(cursorSchema, CURSOR_COLLECTION, found)
  }
  const processedIds = createLruCache<true>(MAX_CACHED_IDS)
  return {
    async hasProcessed({ conversation, id }, place) {
      if (processedIds.get(id)) return true
      const cursor = await readCursor(conversation)
      if (!cursor) return false
      // On a recreated log, offsets begin again, but time does not.
      const isBehind = place.offset <= cursor.offset && place.timestampMs <= cursor.timestampMs
      return isBehind || cursor.ids.includes(id)
    },
    async markProcessed({ conversation, id: reply }, { partition, offset, timestampMs }) {
      processedIds.set(reply, true)
      const before = await readCursor(conversation)
      const latest = Math.max(timestampMs, before?.timestampMs ?? 0)
      const { id } = cursorKey(conversation)
      const ids = [...(before?.ids ?? []), reply].slice(-MAX_IDS_PER_CONVERSATION)
      await records.put(
        CURSOR_COLLECTION,
        ledgerRecord(id, { partition, offset, timestampMs: latest, ids }, timestampMs),
      )
    },
    async markUndelivered({ id, conversation, person }, { partition, offset }, { reason, tries, at }) {
      const what = { channel, id, conversation, person, reason, tries, givenUpAt: at }
      const body: UndeliveredReply = { ...what, partition, offset }
      await records.put(UNDELIVERED_COLLECTION, ledgerRecord(undeliveredKey(id).id, body, Date.parse(at)))
    },
    async findUndelivered(reply) {
      const found = await records.get(undeliveredKey(reply))
      return found && parseRecordBody(undeliveredReplySchema, UNDELIVERED_COLLECTION, found)
    },
    async clearUndelivered(reply) {
      await records.delete(undeliveredKey(reply))
    },
  }
}

const ledgerRecord = (id: string, body: object, atMs: number): JsonRecord => ({
  id,
  person: '',
  text: '',
  body,
  createdAt: new Date(atMs).toISOString(),
})

/** The undelivered replies, newest first. */
export async function listUndelivered(records: Records): Promise<UndeliveredReply[]> {
  const found = await records.list({ collection: UNDELIVERED_COLLECTION, person: '', limit: MAX_LISTED })
  return found.map(record => parseRecordBody(undeliveredReplySchema, UNDELIVERED_COLLECTION, record))
}
