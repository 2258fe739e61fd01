import type { Channel, Delivery } from '../../../gateway/channels/channel.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { JsonRecord, Records } from '../../../shared/store/store.ts'
import type { Names } from '../trace.ts'
import type { Calls, World } from './calls.ts'
import type { Life } from './machine.ts'

export const CHANNEL_NAME = 'hook'
/** The collection in which the outbox keeps what was taken. */
const CURSOR_COLLECTION = 'delivered'

/** Somebody outside to whom all replies are pushed. It has no memory for ids: it takes whatever comes. */
export type Receiver = {
  /** How a gateway reaches it. */
  channel(life: Life): Channel
  /** The store as that gateway sees it, which here is seen to know of a delivery. */
  observeRecords(life: Life, documents: Records): Records
  /** In the order in which they came. */
  received: Pick<Delivery, 'id' | 'conversation'>[]
  /** Broken promises, in words. */
  violations: string[]
}

export function openSimulatedReceiver(calls: Calls, { chance }: World, names: Names): Receiver {
  const received: Receiver['received'] = []
  const violations: string[] = []
  const knownIdsByLife = new WeakMap<Life, Set<string>>()
  const recordKnownIds = (life: Life, record: JsonRecord | undefined) => {
    const { ids = [] } = (record?.body ?? {}) as { ids?: string[] }
    knownIdsByLife.set(life, new Set([...(knownIdsByLife.get(life) ?? []), ...ids]))
  }
  const send = async (life: Life, { id, conversation, inReplyTo }: Delivery): Promise<void> => {
    const site = `delivers reply(${names.nameOf(inReplyTo ?? id)})`
    if (knownIdsByLife.get(life)?.has(id))
      violations.push(`P2 ${life.name} ${site} again, and knew that it was delivered`)
    if (chance.injects('delivery-rejected', `${life.name} ${site}`))
      throw new LaresError('rejected', 'the receiver does not want it')
    await calls.call({
      life,
      target: 'receiver',
      site,
      refusedFault: 'delivery-refused',
      unconfirmedFault: 'delivery-unconfirmed',
      effect: () => void received.push({ id, conversation }),
    })
  }
  return {
    received,
    violations,
    channel: life => ({
      name: CHANNEL_NAME,
      giveUpAfterMs: 24 * 3_600_000,
      send: delivery => send(life, delivery),
    }),
    observeRecords: (life, records) => ({
      ...records,
      async get(key) {
        const found = await records.get(key)
        if (key.collection === CURSOR_COLLECTION) recordKnownIds(life, found)
        return found
      },
      async put(collection, record) {
        await records.put(collection, record)
        if (collection === CURSOR_COLLECTION) recordKnownIds(life, record)
      },
    }),
  }
}
