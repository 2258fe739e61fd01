import { createRecent } from '../../shared/base/lru-cache.ts'
import type { BusRecord } from '../../shared/bus/bus.ts'
import type { Undelivered } from '../../shared/operations/operations.ts'
import type { Document, Documents } from '../../shared/store/store.ts'
import type { Delivery } from '../channels/channel.ts'

const CURSORS = 'delivered'
const UNDELIVERED = 'undelivered'
const MAX_SHOWN = 100
/** Dialog says a reply again, under its id, when a crash lost its commit: this many of a conversation are known again. */
const MAX_IDS = 100
/** So many a gateway knows by itself: at a hand-over the other one may overwrite the record with what it knew. */
const MAX_OWN = 10_000

type Place = Pick<BusRecord, 'topic' | 'partition' | 'offset' | 'timestampMs'>
type Cursor = Pick<Place, 'partition' | 'offset' | 'timestampMs'> & { ids: string[] }

/**
 * What became of the replies of each channel, kept in the store: how far each conversation is, and what was given up.
 * A reply lies on the log in the order of its conversation, so one cursor tells of all records before it, and the ids
 * of the last replies of those that dialog has said again after it.
 */
export type Delivered = {
  has(delivery: Delivery, place: Place): Promise<boolean>
  record(delivery: Delivery, place: Place): Promise<void>
  giveUp(delivery: Delivery, place: Place, why: { reason: string; tries: number; at: string }): Promise<void>
  /** What was given up under a reply's id. */
  givenUp(reply: string): Promise<Undelivered | undefined>
  /** It was taken after all. */
  taken(reply: string): Promise<void>
}

export function openDelivered(documents: Documents, channel: string): Delivered {
  const cursorOf = (conversation: string) => ({
    collection: CURSORS,
    person: '',
    id: `${channel}/${conversation}`,
  })
  const undeliveredOf = (reply: string) => ({
    collection: UNDELIVERED,
    person: '',
    id: `${channel}/${reply}`,
  })
  const read = async (conversation: string) =>
    (await documents.get(cursorOf(conversation)))?.body as Cursor | undefined
  const own = createRecent<true>(MAX_OWN)
  return {
    async has({ conversation, id }, place) {
      if (own.get(id)) return true
      const cursor = await read(conversation)
      if (!cursor) return false
      // On a log that was made anew offsets begin again, but time does not.
      const isBehind = place.offset <= cursor.offset && place.timestampMs <= cursor.timestampMs
      return isBehind || cursor.ids.includes(id)
    },
    async record({ conversation, id: reply }, { partition, offset, timestampMs }) {
      own.set(reply, true)
      const before = await read(conversation)
      const latest = Math.max(timestampMs, before?.timestampMs ?? 0)
      const { id } = cursorOf(conversation)
      const ids = [...(before?.ids ?? []), reply].slice(-MAX_IDS)
      await documents.put(CURSORS, document(id, { partition, offset, timestampMs: latest, ids }, timestampMs))
    },
    async giveUp({ id, conversation, person }, { partition, offset }, { reason, tries, at }) {
      const what = { channel, id, conversation, person, reason, tries, givenUpAt: at }
      const body: Undelivered = { ...what, partition, offset }
      await documents.put(UNDELIVERED, document(undeliveredOf(id).id, body, Date.parse(at)))
    },
    givenUp: async reply => (await documents.get(undeliveredOf(reply)))?.body as Undelivered | undefined,
    async taken(reply) {
      await documents.delete(undeliveredOf(reply))
    },
  }
}

const document = (id: string, body: object, atMs: number): Document => ({
  id,
  person: '',
  text: '',
  body,
  createdAt: new Date(atMs).toISOString(),
})

/** What was given up, the newest first. */
export async function listUndelivered(documents: Documents): Promise<Undelivered[]> {
  const found = await documents.list({ collection: UNDELIVERED, person: '', limit: MAX_SHOWN })
  return found.map(({ body }) => body as Undelivered)
}
