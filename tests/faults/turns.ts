import type { Cell } from './strike.ts'
import type { Results } from './table.ts'

/** What a strike needs for itself: the component, and the process whose moment it waits for. */
const heldBy = ({ component, moment }: Cell): string[] =>
  moment === 'during a rebalance' ? [component, 'connector', 'connector-2'] : [component]

/** A moment that did not come is waited for again, but not for ever. */
const MAX_NOT_MET = 5

const isSide = ({ component }: Cell): boolean =>
  !['gateway', 'connector', 'broker', 'store'].includes(component)

/** Of a rebalance all feel the same, so that all who are struck beside it are struck in the same one. */
const isVolley = (one: Cell, other: Cell): boolean =>
  one.moment === 'during a rebalance' &&
  other.moment === one.moment &&
  other.signal === one.signal &&
  isSide(one) &&
  isSide(other)

/** Hands out the cell with the fewest repetitions whose processes nobody else strikes, and those struck with it. */
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
    async next(): Promise<Cell[]> {
      for (;;) {
        const waiting = open()
        if (waiting.length === 0) return []
        const free = waiting.filter(cell => heldBy(cell).every(one => !held.has(one)))
        const [cell] = free.sort((one, other) => results.of(one).length - results.of(other).length)
        if (cell) {
          const volley = free.filter(one => one === cell || isVolley(one, cell))
          for (const one of volley) under.add(one)
          for (const name of volley.flatMap(heldBy)) held.add(name)
          return volley
        }
        await changed.promise
      }
    },
    end(volley: Cell[]): void {
      for (const one of volley) under.delete(one)
      for (const name of volley.flatMap(heldBy)) held.delete(name)
      changed.resolve()
      changed = Promise.withResolvers()
    },
  }
}
