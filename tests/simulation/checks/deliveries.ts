import { listUndelivered } from '../../../gateway/delivery/delivery-ledger.ts'
import { REPLY_TOPIC } from '../../../gateway/delivery/dispatcher.ts'
import { deliveryGroup } from '../../../shared/contract/consumer-groups.ts'
import { isSameAddress } from '../../../shared/contract/events/address.ts'
import { addressOf } from '../plan.ts'
import { topicPartitionId } from '../world/log.ts'
import { isReceiverOf, type Receiver } from '../world/receiver.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

/**
 * P1 Every reply since the channel was new is delivered, or recorded as undelivered. P3 In the order of its
 * conversation. P2 Not again by a gateway that knows of the delivery. A crash, a lost answer or a second owner may
 * repeat one: docs/delivery.md describes that window.
 */
export async function checkDeliveries(findings: Findings): Promise<Violations> {
  const { receivers, drivers } = findings.instance
  const givenUp = new Set((await listUndelivered(drivers.outside.store.records)).map(({ id }) => id))
  return receivers.flatMap(receiver => [
    ...receiver.violations,
    ...checkReceived(receiver, expectedIds(receiver, findings, givenUp), findings),
    ...checkAddresses(receiver, findings),
  ])
}

/** The replies to the addresses of a receiver that lie on the log behind its beginning, each once and in their order. */
function expectedIds(
  { name }: Receiver,
  { instance, replies }: Findings,
  givenUp: ReadonlySet<string>,
): { id: string; conversation: string }[] {
  const addresses = new Map(replies.map(({ id, data }) => [id, data.address]))
  const { log } = instance
  const seen = new Set<string>()
  return log.allRecords(REPLY_TOPIC).flatMap(({ headers, topic, partition, offset, key }) => {
    const id = headers.ce_id!
    const isFirst = !seen.has(id)
    seen.add(id)
    const address = addresses.get(id)
    const place = `${deliveryGroup(name)} ${topicPartitionId({ topic, partition })}`
    const isAfterStart = offset >= (log.firstCommits.get(place) ?? 0)
    const isExpected = isFirst && isAfterStart && !givenUp.has(id) && address && isReceiverOf(name, address)
    return isExpected ? [{ id, conversation: key }] : []
  })
}

function checkReceived(
  { name, received }: Receiver,
  expected: { id: string; conversation: string }[],
  { clients }: Findings,
): Violations {
  return clients.flatMap(({ script: { conversation } }) => {
    const ids = expected.filter(one => one.conversation === conversation).map(({ id }) => id)
    const order = [...new Set(received.map(({ id }) => id))].filter(id => ids.includes(id))
    const missing = ids.length - order.length
    if (missing > 0) return [`P1 ${missing} replies of ${conversation} were not delivered to ${name}`]
    return order.join() === ids.join()
      ? []
      : [`P3 the replies of ${conversation} were not delivered to ${name} in their order`]
  })
}

/**
 * Address: a reply goes to the address that its messages came from, and nowhere else. An alarm rings where its
 * conversation took place.
 */
function checkAddresses({ name, received }: Receiver, { clients, replies }: Findings): Violations {
  const data = new Map(replies.map(one => [one.id, one.data]))
  return clients.flatMap(({ script, acknowledged }) => {
    const { conversation, messages } = script
    const spokenFrom = messages.map(({ from }) => addressOf(from, conversation))
    return received
      .filter(one => one.conversation === conversation)
      .flatMap(({ id, address }) => {
        const { answers = [] } = data.get(id) ?? {}
        const asked = acknowledged
          .filter(sent => answers.includes(sent.id))
          .map(({ from }) => addressOf(from, conversation))
        const isRight =
          isReceiverOf(name, address) &&
          asked.every(from => isSameAddress(from, address)) &&
          spokenFrom.some(from => isSameAddress(from, address))
        return isRight
          ? []
          : [`Address a reply of ${conversation} was delivered to ${name} at ${address.chat}`]
      })
  })
}
