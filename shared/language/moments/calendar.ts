import type { WallTime } from '../dates.ts'

/** Arithmetic with calendar days, for the packs that turn words into dates. */
export type Day = Pick<WallTime, 'year' | 'month' | 'day'>

/** A day of the month that lies `months` ahead; the month's last day if the month is shorter. */
export function dayOfMonthIn(now: Day, months: number, day: number): Day {
  const last = new Date(Date.UTC(now.year, now.month + months, 0)).getUTCDate()
  return dayFromUtcMs(Date.UTC(now.year, now.month - 1 + months, Math.min(day, last)))
}

function dayFromUtcMs(ms: number): Day {
  const date = new Date(ms)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

export const daysAfter = ({ year, month, day }: Day, days: number): Day =>
  dayFromUtcMs(Date.UTC(year, month - 1, day + days))

/** The next such day of the month: today counts, and a month without that day is skipped. */
export function nextDayOfMonth(now: Day, day: number): Day {
  for (let months = day < now.day ? 1 : 0; ; months++) {
    const found = dayOfMonthIn(now, months, day)
    if (found.day === day || months > 12) return found
  }
}

/** `weekday` is 1 (Monday) to 7 (Sunday). Weeks begin on Monday. */
export const weekdayOfWeek = (now: WallTime, weeks: number, weekday: number): Day =>
  daysAfter(now, weeks * 7 + weekday - (now.weekday || 7))

export const twoDigits = (number: number | string): string => String(number).padStart(2, '0')

/** 2026-04-05 */
export const formatIso = ({ year, month, day }: Day): string =>
  `${year}-${twoDigits(month)}-${twoDigits(day)}`

/** The hour before, on a twelve-hour clock: before 1 it is 12. */
export const hourBefore = (hour: string): number => (Number(hour) + 11) % 12 || 12
