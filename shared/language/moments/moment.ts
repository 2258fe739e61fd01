import { asUtc, instantOf, wallTime } from '../dates.ts'
import { isChinese } from '../detection.ts'
import { chineseDigits, englishDigits } from '../numerals.ts'
import { calendarWords } from './calendar-words.ts'
import { type OnClock, onClock } from './clock-time.ts'
import { clockWords } from './clock-words.ts'
import { DURATION_EN, DURATION_ZH, type Duration, readDuration } from './duration.ts'
import { blanked, type Span, withoutSpans } from './spans.ts'

const DAY_MS = 86_400_000

export type Asked = {
  saidAt: Date
  timeZone: string
  /** Of an hour that may be either, whether the one in the morning is meant. */
  morning: boolean
}

/** A moment found in a text, and the text without the words that say it; `hasDay` and `hasTime` tell whether these were said. */
export type Found = { due: Date; rest: string; hasDay: boolean; hasTime: boolean }

const AFTER_EN = new RegExp(
  `\\b(?:(?:in|within|after)\\s+(?:about\\s+|the next\\s+)?(${DURATION_EN})(?:'s?)?(?:\\s+time)?|(${DURATION_EN})\\s+(?:from now|later|hence))(?![a-z])`,
)
const AFTER_ZH = new RegExp(
  `(?:再?过|等)?(${DURATION_ZH})(?:钟)?(?:之后|以后|过后|后|内|之内)|再?过(${DURATION_ZH})`,
)
const LENGTH_EN = new RegExp(`(?:\\bfor\\s+)?(${DURATION_EN})(?![a-z])`)
const LENGTH_ZH = new RegExp(`(${DURATION_ZH})(?:钟)?的?`)
const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/i

/** The moment that a text names, counted from when it was said, where it was said; undefined when it names none. */
export async function findMoment(text: string, asked: Asked): Promise<Found | undefined> {
  if (ISO.test(text.trim()) && !Number.isNaN(Date.parse(text)))
    return { due: new Date(text), rest: '', hasDay: true, hasTime: true }
  const now = wallTime(asked.saidAt, asked.timeZone)
  const plainly = (said: string) => calendarWords(digits(said), now)
  const plain = plainly(text)
  const after = lengthIn(plain, AFTER_EN, AFTER_ZH)
  const clock = await onClock(after ? blanked(plain, after.span) : plain, isChinese(text), asked)
  if (!after && !clock) return undefined
  const rest = withoutSpans(text, plain, plainly, [...(after ? [after.span] : []), ...used(clock, after)])
  if (!after) return { due: clock!.due, rest, hasDay: clock!.hasDay, hasTime: clock!.hasTime }
  const due = later(asked.saidAt, after.duration, asked.timeZone)
  const isOnDay = byCalendar(after.duration) && clock?.hasTime === true
  return {
    due: isOnDay ? onDayOf(due, clock, asked) : due,
    rest,
    hasDay: true,
    hasTime: isOnDay || !byCalendar(after.duration),
  }
}

/** How long a timer is to run: any length of time in the text. */
export function findLength(text: string): { duration: Duration; rest: string } | undefined {
  const plain = digits(text)
  const found = lengthIn(plain, AFTER_EN, AFTER_ZH) ?? lengthIn(plain, LENGTH_EN, LENGTH_ZH)
  return found && { duration: found.duration, rest: withoutSpans(text, plain, digits, [found.span]) }
}

/** Days and months go by the calendar, so that the hour stays; hours and less by the clock. */
export function later(from: Date, { ms, days, months }: Duration, timeZone: string): Date {
  if (days === 0 && months === 0) return new Date(from.getTime() + ms)
  const wall = wallTime(from, timeZone)
  const lastDay = new Date(Date.UTC(wall.year, wall.month + months, 0)).getUTCDate()
  const wallMs = asUtc({ ...wall, month: wall.month + months, day: Math.min(wall.day, lastDay) })
  return new Date(instantOf(wallMs + days * DAY_MS, timeZone).getTime() + ms)
}

/** In lower case, numbers and times of day written with digits. */
export const digits = (text: string): string => {
  const plain = text.normalize('NFKC').toLowerCase()
  return clockWords(isChinese(plain) ? chineseDigits(plain) : englishDigits(plain))
}

type Length = { duration: Duration; span: Span }

function lengthIn(plain: string, ...forms: RegExp[]): Length | undefined {
  for (const form of forms) {
    const match = form.exec(plain)
    const said = match?.[1] ?? match?.[2]
    if (match && said)
      return { duration: readDuration(said), span: [match.index, match.index + match[0].length] }
  }
  return undefined
}

const byCalendar = ({ ms }: Duration): boolean => ms === 0

/** Beside "in two days" only an hour counts. */
const used = (clock: OnClock | undefined, after: Length | undefined): Span[] =>
  clock && (!after || (byCalendar(after.duration) && clock.hasTime)) ? clock.spans : []

function onDayOf(day: Date, { wallMs }: OnClock, { timeZone }: Asked): Date {
  const start = Math.floor(asUtc(wallTime(day, timeZone)) / DAY_MS) * DAY_MS
  return instantOf(start + (wallMs % DAY_MS), timeZone)
}
