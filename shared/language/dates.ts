/** What clocks show in a time zone. A time zone that this machine does not know is taken as UTC. */

/** What a clock and a calendar on the wall show. `month` is 1 to 12, `weekday` 0 (Sunday) to 6. */
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

/** Making a format takes longer than using it. Zones come from requests, so what is kept is bounded. */
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

/** The wall's time as if it were UTC, in milliseconds: for reckoning in days of the calendar. */
export const toWallMs = ({ year, month, day, hour, minute, second }: Omit<WallTime, 'weekday'>): number =>
  Date.UTC(year, month - 1, day, hour, minute, second)

/**
 * When the wall shows a time (given as if it were UTC, in milliseconds). Of two such moments the first; a time that a
 * change of the clock leaves out is as much later.
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
