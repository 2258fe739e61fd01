import { REPLY_TOPIC } from '../../../gateway/delivery/dispatcher.ts'
import { deliveryGroup, functionGroup } from '../../../shared/contract/consumer-groups.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import type { House } from '../world/instance.ts'
import { idOf, PARTITIONS } from '../world/log.ts'
import { CHANNEL } from '../world/receiver.ts'
import type { Findings } from './findings.ts'
import type { Violations } from './promises.ts'

/** What the functions have not finished, by partition: nothing, when all is over. */
export function unfinished({ log, deployed }: House): string[] {
  const readers = deployed.map(({ name, topics }) => ({ name, group: functionGroup(name), topics }))
  readers.push({ name: 'the outbox', group: deliveryGroup(CHANNEL), topics: [REPLY_TOPIC] })
  return readers.flatMap(({ name, group, topics }) =>
    topics.flatMap(topic =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })).flatMap(at => {
        const committed = log.positions.get(`${group} ${idOf(at)}`) ?? 0
        const left = log.from(at, committed, 1)
        return left.length === 0 ? [] : [`${name} is at ${committed} of ${log.end(at)} of ${idOf(at)}`]
      }),
    ),
  )
}

/** P2 Ids follow from causes: what is made twice has the same ids. */
export function strayIds({ house }: Findings): Violations {
  const broken = new Set<string>()
  const sound = new Set<string>()
  for (const topic of house.log.topics())
    for (const { headers } of house.log.all(topic)) {
      const { ce_id: id, ce_causationid: cause, ce_source: source, ce_type: type } = headers
      if (!cause || !source?.startsWith(FUNCTIONS) || sound.has(id!)) continue
      if (follows(id!, cause, source.slice(FUNCTIONS.length))) sound.add(id!)
      else broken.add(`P2 an id of ${type} does not follow from its cause`)
    }
  return [...broken]
}

const FUNCTIONS = '/lares/functions/'
/** More events than any function here makes of one. */
const MOST_MADE = 64

function follows(id: string, cause: string, name: string): boolean {
  for (let index = 0; index < MOST_MADE; index++) if (derivedId(cause, name, index) === id) return true
  return false
}

/** P1 What dialog has finished is in its journal, or has failed for good. */
export async function unjournaled({ house, letters, leaving }: Findings): Promise<Violations> {
  const broken = new Set<string>()
  const topics = ['lares.context', 'lares.generation', 'lares.result', 'lares.timer']
  const dead = new Set(letters.filter(({ data }) => data.function === 'dialog').map(({ eventId }) => eventId))
  for (const topic of topics)
    for (const { headers, key } of house.log.all(topic)) {
      const eventId = headers.ce_id!
      if (key === leaving?.talk.conversation) continue
      if (!dead.has(eventId) && !(await isJournaled(house, key, eventId)))
        broken.add(`P1 an event of ${topic} is finished, but not in the journal`)
    }
  return [...broken]
}

async function isJournaled({ store }: House, conversation: string, eventId: string): Promise<boolean> {
  const apply = () => {
    throw new Error('it is not')
  }
  return await store.driver.step({ conversation, person: '', eventId, apply }).then(
    () => true,
    () => false,
  )
}

/**
 * P4 What is finished is forgotten: a connector that has nothing to do holds nothing. Only a try that hangs runs on until
 * its deadline, also when its partition is another connector's by then.
 */
export function held({ house, clients, leaving }: Findings): Violations {
  const broken: Violations = []
  for (const connector of house.connectors())
    for (const { talk } of leaving ? [...clients, leaving] : clients) {
      for (const one of connector.inFlight(talk.conversation))
        if (one.runningSinceMs === undefined)
          broken.push(`P4 when all is finished, ${one.function} still holds ${one.offset} of ${idOf(one)}`)
    }
  return broken
}
