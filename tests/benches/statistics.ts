/** The `share`th part of sorted values (nearest rank), as in 0.99 for the 99th percentile. */
const nearestRank = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN

export type Percentiles = { p50: number; p95: number; p99: number }

export function percentiles(values: number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50: nearestRank(sorted, 0.5), p95: nearestRank(sorted, 0.95), p99: nearestRank(sorted, 0.99) }
}

export const median = (values: number[]): number => percentiles(values).p50

/** A bench is exact to three digits. */
export const roundToThreeDigits = (value: number): number => Number(value.toPrecision(3))

/** Applies `change` to the numbers of objects of the same shape, key by key, and rounds what comes of it. */
export function mapByKey<K extends string>(
  objects: Record<K, number>[],
  change: (values: number[]) => number,
): Record<K, number> {
  const keys = Object.keys(objects[0]!) as K[]
  const values = keys.map(
    key => [key, roundToThreeDigits(change(objects.map(object => object[key])))] as const,
  )
  return Object.fromEntries(values) as Record<K, number>
}
