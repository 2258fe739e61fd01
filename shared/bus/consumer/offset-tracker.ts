/**
 * Which records of one partition are finished. Records finish in any order; what may be committed is only the position
 * up to which every record is, so that a crash delivers again whatever was not.
 */
export type OffsetTracker = {
  /** False when the record was started before: a bus that reads anew after trouble brings it a second time. */
  start(offset: number): boolean
  finish(offset: number): void
  /** The position to commit, or undefined when it is committed already. */
  offsetToCommit(): number | undefined
  markCommitted(position: number): void
  /** Records started and not finished. */
  unfinishedCount(): number
  /** Records from the first unfinished one to the last started: what a crash makes come again. */
  span(): number
  /** The partition is another member's now: nothing of it is to be started or committed here. */
  isRevoked: boolean
}

export function openOffsetTracker(): OffsetTracker {
  /** Started offsets, ascending; those before `first` are finished and forgotten. */
  let offsets: number[] = []
  let firstUnfinishedIndex = 0
  let lastStarted = -1
  /** Finished while an earlier one was not. */
  const finishedOutOfOrder = new Set<number>()
  let committable: number | undefined
  let lastCommitted: number | undefined
  const compact = () => {
    if (firstUnfinishedIndex < 1024) return
    offsets = offsets.slice(firstUnfinishedIndex)
    firstUnfinishedIndex = 0
  }
  return {
    isRevoked: false,
    start(offset) {
      if (offset <= lastStarted) return false
      lastStarted = offset
      offsets.push(offset)
      return true
    },
    finish(offset) {
      finishedOutOfOrder.add(offset)
      while (
        firstUnfinishedIndex < offsets.length &&
        finishedOutOfOrder.delete(offsets[firstUnfinishedIndex]!)
      )
        committable = offsets[firstUnfinishedIndex++]! + 1
      compact()
    },
    offsetToCommit: () => (committable === lastCommitted ? undefined : committable),
    markCommitted(at) {
      lastCommitted = at
    },
    unfinishedCount: () => offsets.length - firstUnfinishedIndex - finishedOutOfOrder.size,
    span: () => offsets.length - firstUnfinishedIndex,
  }
}
