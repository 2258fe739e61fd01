import type { Cell } from './strike.ts'
import type { Results } from './table.ts'

/** What a strike needs for itself: the component, and the process whose moment it waits for. */
const heldBy = ({ component, moment }: Cell): string[] =>
  moment === 'during a rebalance' ? [component, 'connector', 'connector-2'] : [component]

/** A moment that did not come is waited for again, but not for ever. */
const MAX_NOT_MET = 5

/** Hands out the cell with the fewest repetitions whose processes nobody else strikes. */
export function openTurns(cells: Cell[], results: Results, repetitions: number) {
  const held = new Set<string>()
  let changed = Promise.withResolvers<void>()
  const struck = (cell: Cell) => results.of(cell).filter(({ met }) => met).length
  const isOpen = (cell: Cell) =>
    struck(cell) < repetitions && results.of(cell).length - struck(cell) < MAX_NOT_MET
  const under = new Set<Cell>()
  const open = () => cells.filter(cell => isOpen(cell) && !under.has(cell))
  return {
    isDone: () => !cells.some(isOpen),
    async next(): Promise<Cell | undefined> {
      for (;;) {
        const waiting = open()
        if (waiting.length === 0) return undefined
        const free = waiting.filter(cell => heldBy(cell).every(one => !held.has(one)))
        const [cell] = free.sort((one, other) => results.of(one).length - results.of(other).length)
        if (cell) {
          under.add(cell)
          for (const one of heldBy(cell)) held.add(one)
          return cell
        }
        await changed.promise
      }
    },
    end(cell: Cell): void {
      under.delete(cell)
      for (const one of heldBy(cell)) held.delete(one)
      changed.resolve()
      changed = Promise.withResolvers()
    },
  }
}
