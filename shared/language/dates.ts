/** Local times in a time zone. A time zone that this machine does not know is taken as UTC. */

/** The local date and time on a wall clock. `month` is 1 to 12, `weekday` 0 (Sunday) to 6. */
export type WallTime = {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  weekday: number
}

const DAY_MS = 86_400_000

const formatCache = new Map<string, Intl.DateTimeFormat>()

/** Making a format takes longer than using it. Zones come from requests, so the cache is bounded. */
function cachedFormat(timeZone: string): Intl.DateTimeFormat {
  const known = formatCache.get(timeZone)
  if (known) return known
  if (formatCache.size >= 100) formatCache.clear()
  const format = newFormat(timeZone)
  formatCache.set(timeZone, format)
  return format
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric' as const
  const style = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  }
  const common = { ...style, hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' } as const
  try {
    return new Intl.DateTimeFormat('en', { ...common, timeZone })
  } catch {
    return new Intl.DateTimeFormat('en', { ...common, timeZone: 'UTC' })
  }
}

export function wallTime(when: Date, timeZone: string): WallTime {
  const parts = Object.fromEntries(
    cachedFormat(timeZone)
      .formatToParts(when)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Omit<WallTime, 'weekday'>
  const { year, month, day, hour, minute, second } = parts
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  return { year, month, day, hour, minute, second, weekday }
}

/** A wall-clock time in milliseconds, as if it were UTC: for arithmetic with calendar days. */
export const toWallMs = ({ year, month, day, hour, minute, second }: Omit<WallTime, 'weekday'>): number =>
  Date.UTC(year, month - 1, day, hour, minute, second)

/**
 * The instant at which the wall clock shows a time (given in milliseconds, as if it were UTC). If the clock shows it
 * twice, the first instant counts. A time that a clock change skips is later by the length of the change.
 */
export function instantFromWallMs(wallMs: number, timeZone: string): Date {
  const offsetAt = (instantMs: number) => {
    const whole = Math.floor(instantMs / 1_000) * 1_000
    return toWallMs(wallTime(new Date(whole), timeZone)) - whole
  }
  const [before, after] = [offsetAt(wallMs - DAY_MS), offsetAt(wallMs + DAY_MS)]
  const isAfter = offsetAt(wallMs - before) !== before && offsetAt(wallMs - after) === after
  return new Date(wallMs - (isAfter ? after : before))
}

const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** 09:05 */
export const formatTime = ({ hour, minute }: WallTime): string => `${twoDigits(hour)}:${twoDigits(minute)}`
