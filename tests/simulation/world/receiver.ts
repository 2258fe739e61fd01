import { type Delivery, type OutboundChannel, PLAIN_CAPABILITIES } from '../../../gateway/channels/channel.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Address } from '../../../shared/contract/events/address.ts'
import type { JsonRecord, Records } from '../../../shared/store/store.ts'
import { CHAT_CHANNEL } from '../plan.ts'
import type { Names } from '../trace.ts'
import type { Calls, World } from './calls.ts'
import type { Life } from './machine.ts'

/** The page's replies are pushed to a webhook, those of the chats to their channel. */
export const RECEIVER_NAMES = ['hook', CHAT_CHANNEL] as const
export type ReceiverName = (typeof RECEIVER_NAMES)[number]

/** The collection of the delivery ledger. */
const CURSOR_COLLECTION = 'delivered'

/** The receiver of one channel's pushed replies. It has no memory for ids: it accepts every delivery. */
export type Receiver = {
  name: ReceiverName
  /** The gateway's connection to it. */
  channel(life: Life): OutboundChannel
  /** The store as that gateway sees it, which here is seen to know of a delivery. */
  observeRecords(life: Life, documents: Records): Records
  /** In the order of arrival. */
  received: Pick<Delivery, 'id' | 'conversation' | 'address'>[]
  /** Broken promises, in words. */
  violations: string[]
}

export function openSimulatedReceiver(
  name: ReceiverName,
  calls: Calls,
  { chance }: World,
  names: Names,
): Receiver {
  const received: Receiver['received'] = []
  const violations: string[] = []
  const knownIdsByLife = new WeakMap<Life, Set<string>>()
  const recordKnownIds = (life: Life, record: JsonRecord | undefined) => {
    const { ids = [] } = (record?.body ?? {}) as { ids?: string[] }
    knownIdsByLife.set(life, new Set([...(knownIdsByLife.get(life) ?? []), ...ids]))
  }
  const send = async (life: Life, { id, conversation, inReplyTo, address }: Delivery): Promise<void> => {
    const site = `${name} delivers reply(${names.nameOf(inReplyTo ?? id)})`
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
      effect: () => void received.push({ id, conversation, address }),
    })
  }
  return {
    name,
    received,
    violations,
    channel: life => ({
      name,
      type: name,
      account: 'default',
      capabilities: PLAIN_CAPABILITIES,
      accepts: ({ address }) => isReceiverOf(name, address),
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

export const isReceiverOf = (name: ReceiverName, { channel }: Address): boolean =>
  (channel === CHAT_CHANNEL) === (name === CHAT_CHANNEL)
