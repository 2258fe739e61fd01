import type { ParsedResult } from 'chrono-node'
import { instantFromWallMs, toWallMs, wallTime } from '../dates.ts'
import type { DayPart, MomentLanguage } from '../pack.ts'
import type { MomentContext } from './moment-context.ts'
import type { Span } from './spans.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A moment by calendar and clock; `wallMs` is the wall-clock time of the moment, as if it were UTC. */
export type DateTimeMatch = { due: Date; wallMs: number; hasDay: boolean; hasTime: boolean; spans: Span[] }

/** Finds a day, a time of day or both, which may be apart: "tomorrow call mom at 5". */
export async function matchDateTime(
  plain: string,
  language: MomentLanguage,
  context: MomentContext,
): Promise<DateTimeMatch | undefined> {
  const parser = await language.loadDateParser()
  // The library calculates as if the wall clock showed UTC.
  const nowMs = toWallMs(wallTime(context.saidAt, context.timeZone))
  const results = parser
    .parse(plain, { instant: new Date(nowMs), timezone: 0 }, { forwardDate: true })
    .filter(({ text, index }) => !language.isFalsePositive?.(text, plain.slice(0, index)))
  const parts = { day: results.find(result => hasDay(result, language)), time: results.find(hasTime) }
  if (!parts.day && !parts.time) return undefined
  const wallMs = wallMsOf(parts, nowMs, context.morning, language.dayParts)
  return {
    due: instantFromWallMs(wallMs, context.timeZone),
    wallMs,
    hasDay: parts.day !== undefined,
    hasTime: parts.time !== undefined,
    spans: [...new Set(Object.values(parts))].flatMap(part =>
      part ? [spanOf(part, plain, language.lead)] : [],
    ),
  }
}

const hasTime = ({ start }: ParsedResult): boolean => start.isCertain('hour')
/** The library marks no part of "this afternoon" as certain. */
const hasDay = ({ start, text }: ParsedResult, { impliedDay }: MomentLanguage): boolean =>
  start.isCertain('day') ||
  start.isCertain('weekday') ||
  start.isCertain('month') ||
  impliedDay?.test(text) === true

type DateTimeParts = { day: ParsedResult | undefined; time: ParsedResult | undefined }

/** A reminder for a day without a time comes in the morning. */
const DEFAULT_HOURS = [9]

function wallMsOf(
  { day, time }: DateTimeParts,
  nowMs: number,
  morning: boolean,
  dayParts: readonly DayPart[],
): number {
  const said = `${day?.text ?? ''} ${time?.text ?? ''}`
  const part = dayParts.find(([form]) => form.test(said))
  const midnight = startOfDay((day ?? time)!)
  if (!time) return nextOccurrence(firstFutureHour(part?.[1] ?? DEFAULT_HOURS, midnight, nowMs), day, nowMs)
  const clock = time.start
  const ms =
    [clock.get('hour'), clock.get('minute'), clock.get('second')].reduce<number>(
      (total, value) => total * 60 + (value ?? 0),
      0,
    ) * 1_000
  const isEither =
    ms >= HOUR_MS && ms < 13 * HOUR_MS && !clock.isCertain('meridiem') && !part && !/\b0\d:/.test(time.text)
  if (isEither) return resolveMeridiem(ms % (12 * HOUR_MS), day && midnight, nowMs, morning)
  return nextOccurrence(midnight + ms, day, nowMs)
}

const startOfDay = ({ start }: ParsedResult): number =>
  Date.UTC(start.get('year') ?? 0, (start.get('month') ?? 1) - 1, start.get('day') ?? 1)

const firstFutureHour = (hours: number[], midnight: number, nowMs: number): number => {
  const times = hours.map(hour => midnight + hour * HOUR_MS)
  return times.find(ms => ms > nowMs) ?? times.at(-1)!
}

/** A past time of day moves to tomorrow, a past weekday to next week. */
function nextOccurrence(wallMs: number, day: ParsedResult | undefined, nowMs: number): number {
  if (wallMs > nowMs) return wallMs
  if (!day) return wallMs + DAY_MS
  return day.start.isCertain('weekday') && !day.start.isCertain('day') ? wallMs + 7 * DAY_MS : wallMs
}

/** "At four" is the next four o'clock. On a later day it is four in the afternoon, but eight is in the morning. */
function resolveMeridiem(
  early: number,
  midnight: number | undefined,
  nowMs: number,
  morning: boolean,
): number {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS
  const late = early + 12 * HOUR_MS
  if (midnight !== undefined && midnight !== today)
    return midnight + (!morning && early < 7 * HOUR_MS ? late : early)
  const times = (morning ? [early] : [early, late]).map(ms => today + ms)
  const next = times.find(ms => ms > nowMs)
  return next ?? (midnight === undefined ? times[0]! + DAY_MS : times.at(-1)!)
}

/** The words of a moment, including the words that introduce it. */
function spanOf({ index, text }: ParsedResult, plain: string, leadPattern: RegExp): Span {
  const lead = leadPattern.exec(plain.slice(0, index))
  return [index - (lead?.[0].length ?? 0), index + text.length]
}
