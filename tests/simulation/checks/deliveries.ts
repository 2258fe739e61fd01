import { listUndelivered } from '../../../gateway/delivery/delivery-ledger.ts'
import { REPLY_TOPIC } from '../../../gateway/delivery/dispatcher.ts'
import { deliveryGroup } from '../../../shared/contract/consumer-groups.ts'
import { topicPartitionId } from '../world/log.ts'
import { CHANNEL_NAME } from '../world/receiver.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

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
