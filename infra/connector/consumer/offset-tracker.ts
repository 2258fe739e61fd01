/**
 * Which records of one partition are finished. Records finish in any order; what may be committed is only the position
 * up to which every record is, so that a crash delivers again whatever was not.
 */
export type Progress = {
  /** False when the record was started before: a bus that reads anew after trouble brings it a second time. */
  started(offset: number): boolean
  finished(offset: number): void
  /** The position to commit, or undefined when it is committed already. */
  uncommitted(): number | undefined
  committed(position: number): void
  /** Records started and not finished. */
  unfinished(): number
  /** Records from the first unfinished one to the last started: what a crash makes come again. */
  span(): number
  /** The partition is another member's now: nothing of it is to be started or committed here. */
  lost: boolean
}

export function openProgress(): Progress {
  /** Started offsets, ascending; those before `first` are finished and forgotten. */
  let offsets: number[] = []
  let first = 0
  let last = -1
  /** Finished while an earlier one was not. */
  const done = new Set<number>()
  let position: number | undefined
  let told: number | undefined
  const compact = () => {
    if (first < 1024) return
    offsets = offsets.slice(first)
    first = 0
  }
  return {
    lost: false,
    started(offset) {
      if (offset <= last) return false
      last = offset
      offsets.push(offset)
      return true
    },
    finished(offset) {
      done.add(offset)
      while (first < offsets.length && done.delete(offsets[first]!)) position = offsets[first++]! + 1
      compact()
    },
    uncommitted: () => (position === told ? undefined : position),
    committed(at) {
      told = at
    },
    unfinished: () => offsets.length - first - done.size,
    span: () => offsets.length - first,
  }
}
