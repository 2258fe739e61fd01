import {
  type Duration,
  QUANTITY,
  sumDuration,
  type TimeUnit,
  unitOf,
  withoutGroups,
} from '../moments/duration.ts'

const UNITS: readonly (readonly [RegExp, TimeUnit])[] = [
  [/^秒钟?$/, 'second'],
  [/^分钟?$/, 'minute'],
  [/^刻钟?$/, 'quarter-hour'],
  [/^(?:小时|钟头)$/, 'hour'],
  [/^[天日]$/, 'day'],
  [/^(?:周|星期|礼拜)$/, 'week'],
  [/^月$/, 'month'],
  [/^年$/, 'year'],
]
const PART = String.raw`(半|几|${QUANTITY})\s*(?:个)?(半)?(秒钟?|分钟?|刻钟|小时|钟头|天|周|星期|礼拜|月|年)(半)?`
const DURATION = `${withoutGroups(PART)}(?:[零又]?${withoutGroups(PART)})*`

const QUANTITY_WORDS: Readonly<Record<string, number>> = { 半: 0.5, 几: 3 }

/** 十分钟后, 再过两天 */
export const relativeTimePattern = new RegExp(
  `(?:再?过|等)?(${DURATION})(?:钟)?(?:之后|以后|过后|后|内|之内)|再?过(${DURATION})`,
)
export const durationPattern = new RegExp(`(${DURATION})(?:钟)?的?`)

/** Parses a match of these patterns, with digits. */
export const parseDuration = (text: string): Duration =>
  sumDuration(
    [...text.matchAll(new RegExp(PART, 'g'))].map(([, some, halfBefore, unit, halfAfter]) => ({
      quantity: (QUANTITY_WORDS[some!] ?? Number(some)) + (halfBefore || halfAfter ? 0.5 : 0),
      unit: unitOf(unit!, UNITS),
    })),
  )
