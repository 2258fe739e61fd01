import type { Channel, Delivery } from '../../../gateway/channels/channel.ts'
import { listUndelivered } from '../../../gateway/delivery/delivery-ledger.ts'
import { REPLY_TOPIC } from '../../../gateway/delivery/dispatcher.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import { deliveryGroup } from '../../../shared/contract/consumer-groups.ts'
import type { JsonRecord, Records } from '../../../shared/store/store.ts'
import type { Findings } from '../checks/findings.ts'
import type { Violations } from '../checks/promises.ts'
import type { Names } from '../trace.ts'
import type { Calls, World } from './calls.ts'
import { topicPartitionId } from './log.ts'
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
  violations: Violations
}

export function openSimulatedReceiver(calls: Calls, { chance }: World, names: Names): Receiver {
  const received: Receiver['received'] = []
  const violations: Violations = []
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

/**
 * P1 Every reply since the channel was new is delivered, or recorded as undelivered. P3 In the order of its conversation.
 * P2 Not again by whoever knows that it was: what a crash, a lost answer or a second owner repeats is the window that
 * docs/delivery.md tells of.
 */
export async function checkDeliveries({ instance, clients }: Findings): Promise<Violations> {
  const { receiver, log, drivers } = instance
  const { records } = drivers.outside.store
  const violations: Violations = [...receiver.violations]
  const givenUp = new Set((await listUndelivered(records)).map(({ id }) => id))
  const seen = new Set<string>()
  const expected = log.allRecords(REPLY_TOPIC).filter(({ headers, topic, partition, offset }) => {
    const id = headers.ce_id!
    const isFirst = !seen.has(id)
    seen.add(id)
    const firstOffset =
      log.firstCommits.get(`${deliveryGroup(CHANNEL_NAME)} ${topicPartitionId({ topic, partition })}`) ?? 0
    return isFirst && offset >= firstOffset && !givenUp.has(id)
  })
  for (const { script } of clients) {
    const ids = expected.filter(({ key }) => key === script.conversation).map(({ headers }) => headers.ce_id!)
    const received = receiver.received.filter(({ conversation }) => conversation === script.conversation)
    const order = [...new Set(received.map(({ id }) => id))].filter(id => ids.includes(id))
    const missing = ids.length - order.length
    if (missing > 0) violations.push(`P1 ${missing} replies of ${script.conversation} were not delivered`)
    else if (order.join() !== ids.join())
      violations.push(`P3 the replies of ${script.conversation} were not delivered in their order`)
  }
  return violations
}
