import type { TopicPartition } from '../bus.ts'

export type AssignmentMember = {
  id: string
  topics: string[]
  /** The partitions that the member owns now. */
  owned: TopicPartition[]
}

/**
 * Assigns the partitions of `counts` (of each topic) to the members. One partition number of all topics goes to one
 * member, so that one process handles a conversation. The assignment is even and moves as few partitions as possible.
 */
export function assignPartitions(
  members: AssignmentMember[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const ordered = members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const assignees = assignPartitionNumbers(ordered, Math.max(0, ...counts.values()))
  const shares = new Map<string, TopicPartition[]>(ordered.map(({ id }) => [id, []]))
  for (const [topic, count] of counts) {
    const subscribers = ordered.filter(({ topics }) => topics.includes(topic))
    if (subscribers.length === 0) continue
    for (let partition = 0; partition < count; partition++) {
      const assignee = subscribers.find(({ id }) => id === assignees[partition])
      shares.get((assignee ?? subscribers[partition % subscribers.length]!).id)!.push({ topic, partition })
    }
  }
  return shares
}

/** For each partition number, the id of the member that gets it. */
function assignPartitionNumbers(members: AssignmentMember[], numbers: number): string[] {
  const assignees: string[] = new Array(numbers)
  const ownedNumbers = new Map(members.map(({ id }) => [id, [] as number[]]))
  for (let number = 0; number < numbers; number++) {
    const currentOwner = currentOwnerOf(members, number)
    if (currentOwner !== undefined) ownedNumbers.get(currentOwner)!.push(number)
  }
  const minPerMember = Math.floor(numbers / members.length)
  let extras = numbers % members.length
  const mostFirst = members.toSorted(
    (a, b) => ownedNumbers.get(b.id)!.length - ownedNumbers.get(a.id)!.length,
  )
  const membersWithRoom: string[] = []
  for (const { id } of mostFirst) {
    const quota = minPerMember + (extras-- > 0 ? 1 : 0)
    const kept = ownedNumbers.get(id)!.slice(0, quota)
    for (const number of kept) assignees[number] = id
    for (let missing = kept.length; missing < quota; missing++) membersWithRoom.push(id)
  }
  for (let number = 0; number < numbers; number++) assignees[number] ??= membersWithRoom.shift()!
  return assignees
}

/** The member that owns most of the topics of a partition number. */
function currentOwnerOf(members: AssignmentMember[], number: number): string | undefined {
  let owner: string | undefined
  let most = 0
  for (const { id, owned } of members) {
    const count = owned.filter(({ partition }) => partition === number).length
    if (count > most) {
      most = count
      owner = id
    }
  }
  return owner
}
