/** The items, first come first served, that fit within `max` together. */
export function fitWithinBudget<T>(items: T[], max: number, costOf: (item: T) => number): T[] {
  let left = max
  return items.filter(item => {
    const cost = costOf(item)
    if (cost > left) return false
    left -= cost
    return true
  })
}
