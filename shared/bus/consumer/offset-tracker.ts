/**
 * Tracks which records of one partition are finished. Records finish in any order. The offset to commit is the position
 * below which every record is finished. So after a crash, the bus delivers every unfinished record again.
 */
export type OffsetTracker = {
  /** False when the record was started before: a bus that reads again after a fault delivers it a second time. */
  start(offset: number): boolean
  finish(offset: number): void
  /** The position to commit, or undefined when it is already committed. */
  offsetToCommit(): number | undefined
  markCommitted(position: number): void
  /** The number of records started and not finished. */
  unfinishedCount(): number
  /**
   * The number of records from the first unfinished one to the last started one. A crash makes the bus deliver these
   * again.
   */
  span(): number
  /** Another member owns the partition now. The reader must not start or commit any of its records. */
  isRevoked: boolean
}

export function openOffsetTracker(): OffsetTracker {
  /** Started offsets, ascending. Those before `firstUnfinishedIndex` are finished. */
  let offsets: number[] = []
  let firstUnfinishedIndex = 0
  let lastStarted = -1
  /** Offsets that finished while an earlier one was unfinished. */
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
