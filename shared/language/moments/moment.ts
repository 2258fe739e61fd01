import { instantFromWallMs, toWallMs, wallTime } from '../dates.ts'
import { containsChinese } from '../detection.ts'
import { chineseNumeralsToDigits, englishNumeralsToDigits } from '../numerals.ts'
import { normaliseCalendarWords } from './calendar-words.ts'
import { type DateTimeMatch, matchDateTime } from './clock-time.ts'
import { normaliseClockWords } from './clock-words.ts'
import { DURATION_EN, DURATION_ZH, type Duration, parseDuration } from './duration.ts'
import type { MomentContext } from './moment-context.ts'
import { blankSpan, removeSpans, type Span } from './spans.ts'

const DAY_MS = 86_400_000

/** A moment found in a text, and the text without the words that say it; `hasDay` and `hasTime` tell whether these were said. */
export type FoundMoment = { due: Date; rest: string; hasDay: boolean; hasTime: boolean }

const RELATIVE_TIME_EN = new RegExp(
  `\\b(?:(?:in|within|after)\\s+(?:about\\s+|the next\\s+)?(${DURATION_EN})(?:'s?)?(?:\\s+time)?|(${DURATION_EN})\\s+(?:from now|later|hence))(?![a-z])`,
)
const RELATIVE_TIME_ZH = new RegExp(
  `(?:再?过|等)?(${DURATION_ZH})(?:钟)?(?:之后|以后|过后|后|内|之内)|再?过(${DURATION_ZH})`,
)
const DURATION_PATTERN_EN = new RegExp(`(?:\\bfor\\s+)?(${DURATION_EN})(?![a-z])`)
const DURATION_PATTERN_ZH = new RegExp(`(${DURATION_ZH})(?:钟)?的?`)
const ISO_DATE_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/i

/** The moment that a text names, counted from when it was said, where it was said; undefined when it names none. */
export async function findMoment(text: string, context: MomentContext): Promise<FoundMoment | undefined> {
  if (ISO_DATE_TIME.test(text.trim()) && !Number.isNaN(Date.parse(text)))
    return { due: new Date(text), rest: '', hasDay: true, hasTime: true }
  const now = wallTime(context.saidAt, context.timeZone)
  const normalise = (said: string) => normaliseCalendarWords(normaliseText(said), now)
  const normalised = normalise(text)
  const relative = matchDuration(normalised, RELATIVE_TIME_EN, RELATIVE_TIME_ZH)
  const clock = await matchDateTime(
    relative ? blankSpan(normalised, relative.span) : normalised,
    containsChinese(text),
    context,
  )
  if (!relative && !clock) return undefined
  const rest = removeSpans(text, normalised, normalise, [
    ...(relative ? [relative.span] : []),
    ...usedSpans(clock, relative),
  ])
  if (!relative) return { due: clock!.due, rest, hasDay: clock!.hasDay, hasTime: clock!.hasTime }
  const due = addDuration(context.saidAt, relative.duration, context.timeZone)
  const isOnDay = isCalendarDuration(relative.duration) && clock?.hasTime === true
  return {
    due: isOnDay ? atTimeOnDay(due, clock, context) : due,
    rest,
    hasDay: true,
    hasTime: isOnDay || !isCalendarDuration(relative.duration),
  }
}

/** How long a timer is to run: any length of time in the text. */
export function findDuration(text: string): { duration: Duration; rest: string } | undefined {
  const normalised = normaliseText(text)
  const found =
    matchDuration(normalised, RELATIVE_TIME_EN, RELATIVE_TIME_ZH) ??
    matchDuration(normalised, DURATION_PATTERN_EN, DURATION_PATTERN_ZH)
  return (
    found && { duration: found.duration, rest: removeSpans(text, normalised, normaliseText, [found.span]) }
  )
}

/** Days and months go by the calendar, so that the hour stays; hours and less by the clock. */
export function addDuration(from: Date, { ms, days, months }: Duration, timeZone: string): Date {
  if (days === 0 && months === 0) return new Date(from.getTime() + ms)
  const wall = wallTime(from, timeZone)
  const lastDay = new Date(Date.UTC(wall.year, wall.month + months, 0)).getUTCDate()
  const wallMs = toWallMs({ ...wall, month: wall.month + months, day: Math.min(wall.day, lastDay) })
  return new Date(instantFromWallMs(wallMs + days * DAY_MS, timeZone).getTime() + ms)
}

/** In lower case, numbers and times of day written with digits. */
export const normaliseText = (text: string): string => {
  const plain = text.normalize('NFKC').toLowerCase()
  return normaliseClockWords(
    containsChinese(plain) ? chineseNumeralsToDigits(plain) : englishNumeralsToDigits(plain),
  )
}

type DurationMatch = { duration: Duration; span: Span }

function matchDuration(plain: string, ...forms: RegExp[]): DurationMatch | undefined {
  for (const form of forms) {
    const match = form.exec(plain)
    const said = match?.[1] ?? match?.[2]
    if (match && said)
      return { duration: parseDuration(said), span: [match.index, match.index + match[0].length] }
  }
  return undefined
}

const isCalendarDuration = ({ ms }: Duration): boolean => ms === 0

/** Beside "in two days" only an hour counts. */
const usedSpans = (clock: DateTimeMatch | undefined, after: DurationMatch | undefined): Span[] =>
  clock && (!after || (isCalendarDuration(after.duration) && clock.hasTime)) ? clock.spans : []

function atTimeOnDay(day: Date, { wallMs }: DateTimeMatch, { timeZone }: MomentContext): Date {
  const start = Math.floor(toWallMs(wallTime(day, timeZone)) / DAY_MS) * DAY_MS
  return instantFromWallMs(start + (wallMs % DAY_MS), timeZone)
}
