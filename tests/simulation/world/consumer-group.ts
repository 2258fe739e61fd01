import type { Position, SubscribeOptions, Subscription, TopicPartition } from '../../../shared/bus/bus.ts'
import type { Calls, World } from './calls.ts'
import { type BrokerLog, PARTITIONS, topicPartitionId } from './log.ts'
import type { Life } from './machine.ts'

/** The broker's side of one consumer group: it assigns partitions, as Kafka's group coordinator does. */
export type ConsumerGroup = {
  join(life: Life, options: SubscribeOptions): Promise<Subscription>
  /** Rebalances the partitions. */
  rebalance(): void
  hasMembers(): boolean
}

/** The group removes a member after this time without a heartbeat. */
const SESSION_TIMEOUT_MS = 4_000
const MAX_POLL_RECORDS = 20

/** The partitions that a member believes to own. */
type AssignedPartition = {
  at: TopicPartition
  epoch: number
  position: number
  isPaused: boolean
  isFetching: boolean
}
type GroupMember = {
  life: Life
  options: SubscribeOptions
  assignments: Map<string, AssignedPartition>
  isJoined: boolean
  isClosed: boolean
}

export function openConsumerGroup(
  name: string,
  log: BrokerLog,
  calls: Calls,
  { clock, chance, trace }: World,
): ConsumerGroup {
  const members: GroupMember[] = []
  const owners = new Map<string, { at: TopicPartition; member: GroupMember; epoch: number }>()
  let epoch = 0

  const committedOffset = (at: TopicPartition) =>
    log.committedOffsets.get(`${name} ${topicPartitionId(at)}`) ?? 0
  const readSite = (member: GroupMember, at: TopicPartition) =>
    `${member.life.name} reads ${topicPartitionId(at)} as ${name}`

  const fetch = (member: GroupMember, assigned: AssignedPartition) => {
    if (assigned.isFetching || assigned.isPaused || log.endOffset(assigned.at) <= assigned.position) return
    assigned.isFetching = true
    clock.schedule(
      calls.latencyMs(readSite(member, assigned.at)),
      () => deliver(member, assigned),
      member.life,
    )
  }
  const deliver = (member: GroupMember, assigned: AssignedPartition) => {
    assigned.isFetching = false
    if (
      member.isClosed ||
      member.assignments.get(topicPartitionId(assigned.at)) !== assigned ||
      assigned.isPaused
    )
      return
    // An unreadable partition is read when the bus is back.
    if (calls.isUnreachable('bus'))
      return void clock.schedule(500, () => fetch(member, assigned), member.life)
    if (chance.injects('read-again', readSite(member, assigned.at)))
      assigned.position = committedOffset(assigned.at)
    const records = log.readFrom(assigned.at, assigned.position, MAX_POLL_RECORDS)
    if (records.length === 0) return
    assigned.position = records.at(-1)!.offset + 1
    trace(() => `${readSite(member, assigned.at)}: ${records.map(({ offset }) => offset).join(' ')}`)
    member.options.onRecords(records)
    fetch(member, assigned)
  }
  log.onAppend(at => {
    for (const member of members) {
      const assigned = member.assignments.get(topicPartitionId(at))
      if (assigned) fetch(member, assigned)
    }
  })

  /** The member learns its assignment: lost partitions are revoked, new ones are read from the last commit. */
  const applyAssignment = (member: GroupMember) => {
    if (member.isClosed) return
    const revoked = [...member.assignments.values()].filter(({ at, epoch }) => {
      const owner = owners.get(topicPartitionId(at))
      return owner?.member !== member || owner.epoch !== epoch
    })
    for (const { at } of revoked) member.assignments.delete(topicPartitionId(at))
    if (revoked.length > 0) {
      trace(
        () =>
          `${member.life.name} loses ${revoked.map(({ at }) => topicPartitionId(at)).join(' ')} of ${name}`,
      )
      member.options.onRevoked?.(revoked.map(({ at }) => at))
    }
    for (const [id, { at, epoch, member: owner }] of owners) {
      if (owner !== member || member.assignments.has(id)) continue
      const assigned = { at, epoch, position: committedOffset(at), isPaused: false, isFetching: false }
      member.assignments.set(id, assigned)
      fetch(member, assigned)
    }
    if (!member.isJoined) rejoin(member)
  }
  const rejoin = (member: GroupMember) => {
    if (member.isJoined) return
    member.isJoined = true
    members.push(member)
    rebalance()
  }
  const leave = (member: GroupMember) => {
    const at = members.indexOf(member)
    if (at < 0) return
    members.splice(at, 1)
    member.isJoined = false
    rebalance()
  }

  const rebalance = () => {
    const isEager = chance.uniform(`${name} shares eagerly`) < 0.3
    const startIndex = Math.floor(chance.uniform(`${name} begins with`) * Math.max(1, members.length))
    const previousOwners = new Map(owners)
    owners.clear()
    const topics = [...new Set(members.flatMap(({ options }) => options.topics))]
    const partitions = topics.flatMap(topic =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
    )
    partitions.forEach((at, index) => {
      const subscribers = members.filter(({ options }) => options.topics.includes(at.topic))
      const member = subscribers[(startIndex + index) % subscribers.length]!
      const previous = previousOwners.get(topicPartitionId(at))
      const stays = !isEager && previous?.member === member
      owners.set(topicPartitionId(at), stays ? previous : { at, member, epoch: ++epoch })
    })
    const isOverlapping = chance.injects('overlap', name)
    for (const member of new Set([...members, ...[...previousOwners.values()].map(({ member }) => member)])) {
      const gainsPartitions = [...owners.values()].some(({ at, member: owner }) => {
        return owner === member && previousOwners.get(topicPartitionId(at))?.member !== member
      })
      const isEarly = isOverlapping ? gainsPartitions : !gainsPartitions
      const laterMs = isEarly ? 1 : isOverlapping ? chance.between(`${name} tells late`, 50, 3_000) : 10
      clock.schedule(laterMs, () => applyAssignment(member), member.life)
    }
  }

  const commit = (member: GroupMember, positions: Position[]): Promise<void> => {
    const epochs = positions.map(at => member.assignments.get(topicPartitionId(at))?.epoch)
    return calls.call({
      life: member.life,
      target: 'bus',
      site: `commits ${positions.map(at => `${topicPartitionId(at)}=${at.offset}`).join(' ')} as ${name}`,
      refusedFault: 'commit-refused',
      unconfirmedFault: 'commit-unconfirmed',
      effect() {
        positions.forEach((at, index) => {
          const owner = owners.get(topicPartitionId(at))
          if (owner?.member === member && owner.epoch === epochs[index]) log.commit(name, at, at.offset)
        })
      },
    })
  }

  return {
    rebalance,
    hasMembers: () => members.length > 0,
    async join(life, options) {
      const member: GroupMember = { life, options, assignments: new Map(), isJoined: false, isClosed: false }
      life.onDeath(() => {
        member.isClosed = true
        clock.schedule(SESSION_TIMEOUT_MS, () => leave(member))
      })
      life.onPause(forMs => {
        if (forMs > SESSION_TIMEOUT_MS)
          clock.schedule(SESSION_TIMEOUT_MS, () => life.pausedUntilMs > clock.nowMs() && leave(member))
        clock.schedule(forMs, () => applyAssignment(member), life)
      })
      clock.schedule(
        calls.latencyMs(`${life.name} joins ${name}`),
        () => !member.isClosed && rejoin(member),
        life,
      )
      const forEachAssigned = (partitions: TopicPartition[], run: (assigned: AssignedPartition) => void) => {
        for (const at of partitions) {
          const assigned = member.assignments.get(topicPartitionId(at))
          if (assigned) run(assigned)
        }
      }
      return {
        commit: positions => commit(member, positions),
        pause: partitions =>
          forEachAssigned(partitions, assigned => {
            assigned.isPaused = true
          }),
        resume: partitions =>
          forEachAssigned(partitions, assigned => {
            assigned.isPaused = false
            fetch(member, assigned)
          }),
        async close() {
          member.isClosed = true
          leave(member)
        },
      }
    },
  }
}
