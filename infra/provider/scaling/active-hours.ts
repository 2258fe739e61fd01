import { LaresError } from '../../../shared/base/errors.ts'
import { createLruCache } from '../../../shared/base/lru-cache.ts'
import { isTimeZone } from '../../../shared/config/files.ts'

export const ACTIVE_HOURS_ANNOTATION = 'com.lares.active-hours'

/**
 * The hours in which a function stays warm: on these weekdays (0 is Sunday), from and to minutes of the day, in the
 * zone's local time.
 */
export type ActiveHours = { zone: string; windows: { days: number[]; from: number; to: number }[] }

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MINUTES_PER_DAY = 24 * 60

/**
 * Reads the annotation: days, times and a time zone, several windows with semicolons, as in
 * `Mon-Fri 07:00-22:30; Sat,Sun 09:00-01:00 Europe/Berlin`. A window that does not end after its start continues into
 * the next day; `daily` is every day. Errors: `invalid_request`. Returns undefined without an annotation.
 */
export function parseActiveHours(annotations: Record<string, string>): ActiveHours | undefined {
  const text = annotations[ACTIVE_HOURS_ANNOTATION]?.trim()
  if (!text) return undefined
  const parsed = parsedCache.get(text) ?? parseText(text)
  parsedCache.set(text, parsed)
  return parsed
}

/** The autoscaler reads the annotation every second, and Intl takes a millisecond to check a time zone. */
const parsedCache = createLruCache<ActiveHours>(100)

function parseText(text: string): ActiveHours {
  const [, windows, zone] = /^(.*\d)\s+([A-Za-z][\w+/-]*)$/.exec(text) ?? []
  if (windows === undefined || zone === undefined || !isTimeZone(zone))
    throw invalidAnnotation(text, 'it ends with a time zone')
  return { zone, windows: windows.split(';').map(window => parseWindow(window.trim(), text)) }
}

function parseWindow(window: string, text: string): ActiveHours['windows'][number] {
  const [, days, from, to] = /^(\S+)\s+(\d{1,2}:\d\d)-(\d{1,2}:\d\d)$/.exec(window) ?? []
  if (days === undefined) throw invalidAnnotation(text, `"${window}" is not DAYS FROM-TO`)
  return {
    days: parseWeekdays(days, text),
    from: parseMinuteOfDay(from!, text),
    to: parseMinuteOfDay(to!, text),
  }
}

function parseWeekdays(days: string, text: string): number[] {
  if (days.toLowerCase() === 'daily') return DAYS.map((_, day) => day)
  return days.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(name => parseWeekday(name, text))
    const length = ((last! - first! + 7) % 7) + 1
    return Array.from({ length }, (_, index) => (first! + index) % 7)
  })
}

function parseWeekday(name: string, text: string): number {
  const day = DAYS.findIndex(known => known.toLowerCase() === name.toLowerCase())
  if (day < 0) throw invalidAnnotation(text, `"${name}" is not one of ${DAYS.join(', ')}`)
  return day
}

function parseMinuteOfDay(time: string, text: string): number {
  const [hour, minute] = time.split(':').map(Number) as [number, number]
  if (hour * 60 + minute > MINUTES_PER_DAY || minute > 59)
    throw invalidAnnotation(text, `"${time}" is no time of a day`)
  return hour * 60 + minute
}

/**
 * Whether a moment is within the active hours. The zone's local time decides, so a window that begins at 07:00 begins
 * at 07:00 in summer and in winter. A window that begins in the hour skipped by a clock change begins right after it.
 */
export function isInActiveHours({ zone, windows }: ActiveHours, atMs: number): boolean {
  const { day, minute } = localTimeOf(zone, atMs)
  const previousDay = (day + 6) % 7
  return windows.some(({ days, from, to }) => {
    if (to > from) return days.includes(day) && minute >= from && minute < to
    return (days.includes(day) && minute >= from) || (days.includes(previousDay) && minute < to)
  })
}

const MINUTE_MS = 60_000
/** Zones differ from UTC by quarters of an hour, and change their clocks at whole quarters. */
const QUARTER_HOUR_MS = 15 * MINUTE_MS
/** 1970 began on a Thursday. */
const EPOCH_WEEKDAY = 4

function localTimeOf(zone: string, atMs: number): { day: number; minute: number } {
  const minutes = Math.floor((atMs + utcOffsetMs(zone, atMs)) / MINUTE_MS)
  const days = Math.floor(minutes / MINUTES_PER_DAY)
  return { day: (((days + EPOCH_WEEKDAY) % 7) + 7) % 7, minute: minutes - days * MINUTES_PER_DAY }
}

type CachedOffset = { format: Intl.DateTimeFormat; quarter: number; ms: number }

/** Caches the last offset of each zone: the autoscaler asks every second, and Intl is slow. */
const offsetCache = new Map<string, CachedOffset>()

function utcOffsetMs(zone: string, atMs: number): number {
  const quarter = Math.floor(atMs / QUARTER_HOUR_MS)
  const cached = offsetCache.get(zone)
  if (cached?.quarter === quarter) return cached.ms
  const format =
    cached?.format ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  // The Swedish format of times is close to ISO 8601.
  const ms =
    Date.parse(`${format.format(quarter * QUARTER_HOUR_MS).replace(' ', 'T')}Z`) - quarter * QUARTER_HOUR_MS
  offsetCache.set(zone, { format, quarter, ms })
  return ms
}

const invalidAnnotation = (text: string, reason: string) =>
  new LaresError(
    'invalid_request',
    `${ACTIVE_HOURS_ANNOTATION} is "${text}": ${reason}; write it as in "Mon-Fri 07:00-22:30 Europe/Berlin"`,
  )
