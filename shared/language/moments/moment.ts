import { instantFromWallMs, toWallMs, wallTime } from '../dates.ts'
import { packsReading } from '../detection.ts'
import type { LanguagePack, MomentLanguage } from '../pack.ts'
import { type DateTimeMatch, matchDateTime } from './clock-time.ts'
import type { Duration } from './duration.ts'
import type { MomentContext } from './moment-context.ts'
import { blankSpan, removeSpans, type Span } from './spans.ts'

const DAY_MS = 86_400_000

/**
 * A moment found in a text, and the text without the words that name it. `hasDay` and `hasTime` tell whether the text
 * named a day and a time.
 */
export type FoundMoment = { due: Date; rest: string; hasDay: boolean; hasTime: boolean }

const ISO_DATE_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/i

/** The moment that a text names, relative to the speaker's time and time zone; undefined if it names none. */
export async function findMoment(text: string, context: MomentContext): Promise<FoundMoment | undefined> {
  if (ISO_DATE_TIME.test(text.trim()) && !Number.isNaN(Date.parse(text)))
    return { due: new Date(text), rest: '', hasDay: true, hasTime: true }
  const now = wallTime(context.saidAt, context.timeZone)
  const readers = packsReading(text, context.language)
  const { moments } = readers[0]
  const normalise = (said: string) => moments.normaliseCalendar(normaliseWith(said, readers), now)
  const normalised = normalise(text)
  const relative = matchDuration(normalised, readers, ({ relativeTime }) => relativeTime)
  const clock = await matchDateTime(
    relative ? blankSpan(normalised, relative.span) : normalised,
    moments,
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

/** The length of a timer: any length of time in the text. */
export function findDuration(
  text: string,
  language?: string,
): { duration: Duration; rest: string } | undefined {
  const readers = packsReading(text, language)
  const normalise = (said: string) => normaliseWith(said, readers)
  const normalised = normalise(text)
  const found =
    matchDuration(normalised, readers, ({ relativeTime }) => relativeTime) ??
    matchDuration(normalised, readers, ({ duration }) => duration)
  return found && { duration: found.duration, rest: removeSpans(text, normalised, normalise, [found.span]) }
}

/** Adds days and months by the calendar, so that the hour stays; adds hours and less by the clock. */
export function addDuration(from: Date, { ms, days, months }: Duration, timeZone: string): Date {
  if (days === 0 && months === 0) return new Date(from.getTime() + ms)
  const wall = wallTime(from, timeZone)
  const lastDay = new Date(Date.UTC(wall.year, wall.month + months, 0)).getUTCDate()
  const wallMs = toWallMs({ ...wall, month: wall.month + months, day: Math.min(wall.day, lastDay) })
  return new Date(instantFromWallMs(wallMs + days * DAY_MS, timeZone).getTime() + ms)
}

/** A text in lower case, with numbers and times of day as digits. */
export const normaliseText = (text: string, language?: string): string =>
  normaliseWith(text, packsReading(text, language))

type Readers = ReturnType<typeof packsReading>

/** Uses the packs of the whole text: its beginning alone might select other packs. */
const normaliseWith = (text: string, readers: Readers): string =>
  readers.reduce(
    (said, { moments }) => moments.normaliseClock(said),
    readers[0].numeralsToDigits(text.normalize('NFKC').toLowerCase()),
  )

type DurationMatch = { duration: Duration; span: Span }

function matchDuration(
  plain: string,
  readers: readonly LanguagePack[],
  formOf: (language: MomentLanguage) => RegExp,
): DurationMatch | undefined {
  for (const { moments } of readers) {
    const match = formOf(moments).exec(plain)
    const said = match?.[1] ?? match?.[2]
    if (match && said)
      return { duration: moments.parseDuration(said), span: [match.index, match.index + match[0].length] }
  }
  return undefined
}

const isCalendarDuration = ({ ms }: Duration): boolean => ms === 0

/** Beside "in two days" only a time of day counts. */
const usedSpans = (clock: DateTimeMatch | undefined, after: DurationMatch | undefined): Span[] =>
  clock && (!after || (isCalendarDuration(after.duration) && clock.hasTime)) ? clock.spans : []

function atTimeOnDay(day: Date, { wallMs }: DateTimeMatch, { timeZone }: MomentContext): Date {
  const start = Math.floor(toWallMs(wallTime(day, timeZone)) / DAY_MS) * DAY_MS
  return instantFromWallMs(start + (wallMs % DAY_MS), timeZone)
}
