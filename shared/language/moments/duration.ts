/** A length of time, split into a clock part (`ms`) and a calendar part (days, months). */
export type Duration = { ms: number; days: number; months: number }

const UNIT_SIZES = {
  second: ['ms', 1_000],
  minute: ['ms', 60_000],
  'quarter-hour': ['ms', 15 * 60_000],
  hour: ['ms', 3_600_000],
  day: ['days', 1],
  week: ['days', 7],
  fortnight: ['days', 14],
  month: ['months', 1],
  year: ['months', 12],
} as const satisfies Record<string, readonly [part: keyof Duration, size: number]>

export type TimeUnit = keyof typeof UNIT_SIZES
export type DurationPart = { quantity: number; unit: TimeUnit }

/** Sums the parts of a length of time. Half a day is twelve hours, half a month fifteen days. */
export function sumDuration(parts: readonly DurationPart[]): Duration {
  const total: Duration = { ms: 0, days: 0, months: 0 }
  for (const { quantity, unit } of parts) {
    const [part, size] = UNIT_SIZES[unit]
    const rest = quantity - Math.floor(quantity)
    total[part] += part === 'ms' ? quantity * size : Math.floor(quantity) * size
    if (part === 'days') total.ms += rest * size * 86_400_000
    if (part === 'months') total.days += Math.round(rest * size * 30)
  }
  return total
}

/** The unit that a word names, by a table of patterns. */
export function unitOf(word: string, table: readonly (readonly [RegExp, TimeUnit])[]): TimeUnit {
  const found = table.find(([form]) => form.test(word))
  if (!found) throw new Error(`no unit of time is called ${word}`)
  return found[1]
}

/** A pattern without its groups, for repetition within another pattern. */
export const withoutGroups = (pattern: string): string => pattern.replace(/\((?!\?)/g, '(?:')

/** A number of units in digits. */
export const QUANTITY = String.raw`\d{1,6}(?:\.\d{1,3})?`
