import type { Position, SubscribeOptions, Subscription, TopicPartition } from '../../../shared/bus/bus.ts'
import type { Calls, World } from './calls.ts'
import { idOf, type Log, PARTITIONS } from './log.ts'
import type { Life } from './machine.ts'

/** The broker's side of one consumer group: who owns which partition, as Kafka's group coordinator decides it. */
export type Group = {
  join(life: Life, options: SubscribeOptions): Promise<Subscription>
  /** Shares the partitions anew. */
  rebalance(): void
  hasMembers(): boolean
}

/** After so long without a word from it, a member is out. */
const SESSION_MS = 4_000
const MOST_AT_ONCE = 20

/** What a member believes to own. */
type Held = { at: TopicPartition; epoch: number; position: number; isPaused: boolean; isFetching: boolean }
type Member = {
  life: Life
  options: SubscribeOptions
  held: Map<string, Held>
  isIn: boolean
  isClosed: boolean
}

export function openGroup(name: string, log: Log, calls: Calls, { clock, chance, trace }: World): Group {
  const members: Member[] = []
  const owners = new Map<string, { at: TopicPartition; member: Member; epoch: number }>()
  let epoch = 0

  const committed = (at: TopicPartition) => log.positions.get(`${name} ${idOf(at)}`) ?? 0
  const place = (member: Member, at: TopicPartition) => `${member.life.name} reads ${idOf(at)} as ${name}`

  const fetch = (member: Member, held: Held) => {
    if (held.isFetching || held.isPaused || log.end(held.at) <= held.position) return
    held.isFetching = true
    clock.after(calls.travelMs(place(member, held.at)), () => deliver(member, held), member.life)
  }
  const deliver = (member: Member, held: Held) => {
    held.isFetching = false
    if (member.isClosed || member.held.get(idOf(held.at)) !== held || held.isPaused) return
    // What cannot be read now is read when the bus is back.
    if (calls.isAway('bus')) return void clock.after(500, () => fetch(member, held), member.life)
    if (chance.fault('read-again', place(member, held.at))) held.position = committed(held.at)
    const records = log.from(held.at, held.position, MOST_AT_ONCE)
    if (records.length === 0) return
    held.position = records.at(-1)!.offset + 1
    trace(() => `${place(member, held.at)}: ${records.map(({ offset }) => offset).join(' ')}`)
    member.options.onRecords(records)
    fetch(member, held)
  }
  log.onAppend(at => {
    for (const member of members) {
      const held = member.held.get(idOf(at))
      if (held) fetch(member, held)
    }
  })

  /** The member learns what it owns: what went to another is revoked, what came is read from the last commit. */
  const learn = (member: Member) => {
    if (member.isClosed) return
    const lost = [...member.held.values()].filter(({ at, epoch }) => {
      const owner = owners.get(idOf(at))
      return owner?.member !== member || owner.epoch !== epoch
    })
    for (const { at } of lost) member.held.delete(idOf(at))
    if (lost.length > 0) {
      trace(() => `${member.life.name} loses ${lost.map(({ at }) => idOf(at)).join(' ')} of ${name}`)
      member.options.onRevoked?.(lost.map(({ at }) => at))
    }
    for (const [id, { at, epoch, member: owner }] of owners) {
      if (owner !== member || member.held.has(id)) continue
      const held = { at, epoch, position: committed(at), isPaused: false, isFetching: false }
      member.held.set(id, held)
      fetch(member, held)
    }
    if (!member.isIn) rejoin(member)
  }
  const rejoin = (member: Member) => {
    if (member.isIn) return
    member.isIn = true
    members.push(member)
    rebalance()
  }
  const leave = (member: Member) => {
    const at = members.indexOf(member)
    if (at < 0) return
    members.splice(at, 1)
    member.isIn = false
    rebalance()
  }

  const rebalance = () => {
    const isEager = chance.share(`${name} shares eagerly`) < 0.3
    const first = Math.floor(chance.share(`${name} begins with`) * Math.max(1, members.length))
    const before = new Map(owners)
    owners.clear()
    const topics = [...new Set(members.flatMap(({ options }) => options.topics))]
    const partitions = topics.flatMap(topic =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
    )
    partitions.forEach((at, index) => {
      const able = members.filter(({ options }) => options.topics.includes(at.topic))
      const member = able[(first + index) % able.length]!
      const known = before.get(idOf(at))
      const stays = !isEager && known?.member === member
      owners.set(idOf(at), stays ? known : { at, member, epoch: ++epoch })
    })
    const isOverlapping = chance.fault('overlap', name)
    for (const member of new Set([...members, ...[...before.values()].map(({ member }) => member)])) {
      const gains = [...owners.values()].some(({ at, member: owner }) => {
        return owner === member && before.get(idOf(at))?.member !== member
      })
      const isEarly = isOverlapping ? gains : !gains
      const laterMs = isEarly ? 1 : isOverlapping ? chance.between(`${name} tells late`, 50, 3_000) : 10
      clock.after(laterMs, () => learn(member), member.life)
    }
  }

  const commit = (member: Member, positions: Position[]): Promise<void> => {
    const epochs = positions.map(at => member.held.get(idOf(at))?.epoch)
    return calls.make({
      life: member.life,
      of: 'bus',
      place: `commits ${positions.map(at => `${idOf(at)}=${at.offset}`).join(' ')} as ${name}`,
      refused: 'commit-refused',
      unconfirmed: 'commit-unconfirmed',
      effect() {
        positions.forEach((at, index) => {
          const owner = owners.get(idOf(at))
          if (owner?.member === member && owner.epoch === epochs[index]) log.commit(name, at, at.offset)
        })
      },
    })
  }

  return {
    rebalance,
    hasMembers: () => members.length > 0,
    async join(life, options) {
      const member: Member = { life, options, held: new Map(), isIn: false, isClosed: false }
      life.onDeath(() => {
        member.isClosed = true
        clock.after(SESSION_MS, () => leave(member))
      })
      life.onPause(forMs => {
        if (forMs > SESSION_MS)
          clock.after(SESSION_MS, () => life.pausedUntilMs > clock.nowMs() && leave(member))
        clock.after(forMs, () => learn(member), life)
      })
      clock.after(
        calls.travelMs(`${life.name} joins ${name}`),
        () => !member.isClosed && rejoin(member),
        life,
      )
      const each = (partitions: TopicPartition[], run: (held: Held) => void) => {
        for (const at of partitions) {
          const held = member.held.get(idOf(at))
          if (held) run(held)
        }
      }
      return {
        commit: positions => commit(member, positions),
        pause: partitions =>
          each(partitions, held => {
            held.isPaused = true
          }),
        resume: partitions =>
          each(partitions, held => {
            held.isPaused = false
            fetch(member, held)
          }),
        async close() {
          member.isClosed = true
          leave(member)
        },
      }
    },
  }
}
