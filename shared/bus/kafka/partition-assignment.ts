import type { TopicPartition } from '../bus.ts'

export type SharingMember = {
  id: string
  topics: string[]
  /** What it holds now. */
  owned: TopicPartition[]
}

/**
 * Shares the partitions of `counts` (of each topic) among the members: one partition number of all topics goes to one
 * member, so that a conversation is handled in one place; evenly; and moving as few as possible.
 */
export function share(
  members: SharingMember[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const ordered = members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const holders = holdersOf(ordered, Math.max(0, ...counts.values()))
  const shares = new Map<string, TopicPartition[]>(ordered.map(({ id }) => [id, []]))
  for (const [topic, count] of counts) {
    const entitled = ordered.filter(({ topics }) => topics.includes(topic))
    if (entitled.length === 0) continue
    for (let partition = 0; partition < count; partition++) {
      const holder = entitled.find(({ id }) => id === holders[partition])
      shares.get((holder ?? entitled[partition % entitled.length]!).id)!.push({ topic, partition })
    }
  }
  return shares
}

/** For each partition number the id of the member that gets it. */
function holdersOf(members: SharingMember[], numbers: number): string[] {
  const holders: string[] = new Array(numbers)
  const held = new Map(members.map(({ id }) => [id, [] as number[]]))
  for (let number = 0; number < numbers; number++) {
    const owner = ownerOf(members, number)
    if (owner !== undefined) held.get(owner)!.push(number)
  }
  const least = Math.floor(numbers / members.length)
  let extras = numbers % members.length
  const mostFirst = members.toSorted((a, b) => held.get(b.id)!.length - held.get(a.id)!.length)
  const wanting: string[] = []
  for (const { id } of mostFirst) {
    const due = least + (extras-- > 0 ? 1 : 0)
    const kept = held.get(id)!.slice(0, due)
    for (const number of kept) holders[number] = id
    for (let missing = kept.length; missing < due; missing++) wanting.push(id)
  }
  for (let number = 0; number < numbers; number++) holders[number] ??= wanting.shift()!
  return holders
}

/** Who holds most of the topics of a partition number. */
function ownerOf(members: SharingMember[], number: number): string | undefined {
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
