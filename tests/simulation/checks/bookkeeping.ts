import { REPLY_TOPIC } from '../../../gateway/delivery/dispatcher.ts'
import { deliveryGroup, functionGroup } from '../../../shared/contract/consumer-groups.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import type { SimulatedInstance } from '../world/instance.ts'
import { PARTITIONS, topicPartitionId } from '../world/log.ts'
import { RECEIVER_NAMES } from '../world/receiver.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

/** The unfinished records of functions, by partition: none at the end. */
export function listUnfinishedOffsets({ log, deployedFunctions }: SimulatedInstance): string[] {
  const readers = deployedFunctions.map(({ name, topics }) => ({ name, group: functionGroup(name), topics }))
  for (const name of RECEIVER_NAMES)
    readers.push({ name: `the dispatcher of ${name}`, group: deliveryGroup(name), topics: [REPLY_TOPIC] })
  return readers.flatMap(({ name, group, topics }) =>
    topics.flatMap(topic =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })).flatMap(at => {
        const committed = log.committedOffsets.get(`${group} ${topicPartitionId(at)}`) ?? 0
        const left = log.readFrom(at, committed, 1)
        return left.length === 0
          ? []
          : [`${name} is at ${committed} of ${log.endOffset(at)} of ${topicPartitionId(at)}`]
      }),
    ),
  )
}

/** P2 Ids follow from causes: an event that is made twice has the same id. */
export function checkDerivedIds({ instance }: Findings): Violations {
  const violations = new Set<string>()
  const derived = new Set<string>()
  for (const topic of instance.log.topics())
    for (const { headers } of instance.log.allRecords(topic)) {
      const { ce_id: id, ce_causationid: cause, ce_source: source, ce_type: type } = headers
      if (!cause || !source?.startsWith(FUNCTION_SOURCE_PREFIX) || derived.has(id!)) continue
      if (isDerivedFrom(id!, cause, source.slice(FUNCTION_SOURCE_PREFIX.length))) derived.add(id!)
      else violations.add(`P2 an id of ${type} does not follow from its cause`)
    }
  return [...violations]
}

const FUNCTION_SOURCE_PREFIX = '/lares/functions/'
/** More events than any function here makes of one. */
const MAX_DERIVED_EVENTS = 64

function isDerivedFrom(id: string, cause: string, name: string): boolean {
  for (let index = 0; index < MAX_DERIVED_EVENTS; index++)
    if (derivedId(cause, name, index) === id) return true
  return false
}

/** P1 Every event that dialog has finished is in its journal, or has failed for good. */
export async function checkJournal({ instance, deadLetters, leaver }: Findings): Promise<Violations> {
  const violations = new Set<string>()
  const topics = ['lares.context', 'lares.generation', 'lares.result', 'lares.timer']
  const dead = new Set(
    deadLetters.filter(({ data }) => data.function === 'dialog').map(({ eventId }) => eventId),
  )
  for (const topic of topics)
    for (const { headers, key } of instance.log.allRecords(topic)) {
      const eventId = headers.ce_id!
      if (key === leaver?.script.conversation) continue
      if (!dead.has(eventId) && !(await isJournaled(instance, key, eventId)))
        violations.add(`P1 an event of ${topic} is finished, but not in the journal`)
    }
  return [...violations]
}

async function isJournaled(
  { store }: SimulatedInstance,
  conversation: string,
  eventId: string,
): Promise<boolean> {
  const apply = () => {
    throw new Error('it is not')
  }
  return await store.driver.step({ conversation, person: '', eventId, apply }).then(
    () => true,
    () => false,
  )
}

/**
 * P4 A connector forgets finished work: one with nothing to do holds nothing. Only a hanging attempt runs until its
 * deadline, even when another connector has its partition by then.
 */
export function checkConnectorsIdle({ instance, clients, leaver }: Findings): Violations {
  const violations: Violations = []
  for (const connector of instance.connectors())
    for (const { script } of leaver ? [...clients, leaver] : clients) {
      for (const record of connector.inFlight(script.conversation))
        if (record.runningSinceMs === undefined)
          violations.push(
            `P4 when all is finished, ${record.function} still holds ${record.offset} of ${topicPartitionId(record)}`,
          )
    }
  return violations
}
