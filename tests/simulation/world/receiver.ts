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
import { idOf } from './log.ts'
import type { Life } from './machine.ts'

export const CHANNEL = 'hook'
/** The collection in which the outbox keeps what was taken. */
const DELIVERED = 'delivered'

/** Somebody outside to whom all replies are pushed. It has no memory for ids: it takes whatever comes. */
export type Receiver = {
  /** How a gateway reaches it. */
  channel(life: Life): Channel
  /** The store as that gateway sees it, which here is seen to know of a delivery. */
  watched(life: Life, documents: Records): Records
  /** In the order in which they came. */
  taken: Pick<Delivery, 'id' | 'conversation'>[]
  violations: Violations
}

export function openReceiver(calls: Calls, { chance }: World, names: Names): Receiver {
  const taken: Receiver['taken'] = []
  const violations: Violations = []
  const known = new WeakMap<Life, Set<string>>()
  const learn = (life: Life, document: JsonRecord | undefined) => {
    const { ids = [] } = (document?.body ?? {}) as { ids?: string[] }
    known.set(life, new Set([...(known.get(life) ?? []), ...ids]))
  }
  const send = async (life: Life, { id, conversation, inReplyTo }: Delivery): Promise<void> => {
    const place = `delivers reply(${names.of(inReplyTo ?? id)})`
    if (known.get(life)?.has(id))
      violations.push(`P2 ${life.name} ${place} again, and knew that it was delivered`)
    if (chance.fault('delivery-rejected', `${life.name} ${place}`))
      throw new LaresError('rejected', 'the receiver does not want it')
    await calls.make({
      life,
      of: 'receiver',
      place,
      refused: 'delivery-refused',
      unconfirmed: 'delivery-unconfirmed',
      effect: () => void taken.push({ id, conversation }),
    })
  }
  return {
    taken,
    violations,
    channel: life => ({
      name: CHANNEL,
      giveUpAfterMs: 24 * 3_600_000,
      send: delivery => send(life, delivery),
    }),
    watched: (life, documents) => ({
      ...documents,
      async get(key) {
        const found = await documents.get(key)
        if (key.collection === DELIVERED) learn(life, found)
        return found
      },
      async put(collection, document) {
        await documents.put(collection, document)
        if (collection === DELIVERED) learn(life, document)
      },
    }),
  }
}

/**
 * P1 Every reply since the channel was new is delivered, or recorded as undelivered. P3 In the order of its conversation.
 * P2 Not again by whoever knows that it was: what a crash, a lost answer or a second owner repeats is the window that
 * docs/delivery.md tells of.
 */
export async function delivered({ house, clients }: Findings): Promise<Violations> {
  const { receiver, log, drivers } = house
  const { records } = drivers.outside.conversations
  const broken: Violations = [...receiver.violations]
  const givenUp = new Set((await listUndelivered(records)).map(({ id }) => id))
  const seen = new Set<string>()
  const due = log.all(REPLY_TOPIC).filter(({ headers, topic, partition, offset }) => {
    const id = headers.ce_id!
    const isFirst = !seen.has(id)
    seen.add(id)
    const begin = log.firsts.get(`${deliveryGroup(CHANNEL)} ${idOf({ topic, partition })}`) ?? 0
    return isFirst && offset >= begin && !givenUp.has(id)
  })
  for (const { talk } of clients) {
    const ids = due.filter(({ key }) => key === talk.conversation).map(({ headers }) => headers.ce_id!)
    const got = receiver.taken.filter(({ conversation }) => conversation === talk.conversation)
    const order = [...new Set(got.map(({ id }) => id))].filter(id => ids.includes(id))
    const missing = ids.length - order.length
    if (missing > 0) broken.push(`P1 ${missing} replies of ${talk.conversation} were not delivered`)
    else if (order.join() !== ids.join())
      broken.push(`P3 the replies of ${talk.conversation} were not delivered in their order`)
  }
  return broken
}
