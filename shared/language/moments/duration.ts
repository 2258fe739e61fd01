/** A length of time: what the clock counts, and what the calendar counts. */
export type Duration = { ms: number; days: number; months: number }

type Unit = readonly [part: keyof Duration, size: number]

const SECOND: Unit = ['ms', 1_000]
const MINUTE: Unit = ['ms', 60_000]
const HOUR: Unit = ['ms', 3_600_000]
const UNITS: [RegExp, Unit][] = [
  [/^(?:s|secs?|seconds?|秒钟?)$/, SECOND],
  [/^(?:m|min[a-z]*|分钟?)$/, MINUTE],
  [/^刻钟?$/, ['ms', 15 * 60_000]],
  [/^(?:h|hrs?|hours?|小时|钟头)$/, HOUR],
  [/^(?:d|days?|天|日)$/, ['days', 1]],
  [/^(?:w|wks?|weeks?|周|星期|礼拜)$/, ['days', 7]],
  [/^fortnights?$/, ['days', 14]],
  [/^(?:months?|月)$/, ['months', 1]],
  [/^(?:y|yrs?|years?|年)$/, ['months', 12]],
]
const NUMBER = String.raw`\d{1,6}(?:\.\d{1,3})?`
const PART_EN = String.raw`(?:(half|half an?|a half|a quarter of an|(?:a )?couple(?: of)?|a few|another|an?|${NUMBER})\s+(?:more\s+)?(and a half\s+)?(seconds?|secs?|min(?:ute|tue|uet|ut)?s?|hours?|hrs?|days?|weeks?|wks?|fortnights?|months?|years?)(\s+and a half|\s+and a quarter)?|(${NUMBER})-?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w))(?![a-z])`
const PART_ZH = String.raw`(半|几|${NUMBER})\s*(?:个)?(半)?(秒钟?|分钟?|刻钟|小时|钟头|天|周|星期|礼拜|月|年)(半)?`

/** As patterns: one or more parts. */
export const DURATION_EN = `${withoutGroups(PART_EN)}(?:(?:,?\\s*and\\s+|,\\s*|\\s*)${withoutGroups(PART_EN)})*`
export const DURATION_ZH = `${withoutGroups(PART_ZH)}(?:[零又]?${withoutGroups(PART_ZH)})*`

/** A pattern without its groups. */
function withoutGroups(pattern: string): string {
  return pattern.replace(/\((?!\?)/g, '(?:')
}

const QUANTITY_WORDS: Readonly<Record<string, number>> = {
  half: 0.5,
  'half a': 0.5,
  'half an': 0.5,
  'a half': 0.5,
  'a quarter of an': 0.25,
  couple: 2,
  'couple of': 2,
  'a couple': 2,
  'a couple of': 2,
  'a few': 3,
  another: 1,
  a: 1,
  an: 1,
  半: 0.5,
  几: 3,
}

/** Reads what the patterns above match, in lower case and with digits. */
export function parseDuration(text: string): Duration {
  const total: Duration = { ms: 0, days: 0, months: 0 }
  for (const match of text.matchAll(new RegExp(PART_EN, 'g'))) {
    const [, some, halfBefore, unit, halfAfter, number, shortUnit] = match
    const more = halfBefore || halfAfter?.includes('half') ? 0.5 : halfAfter ? 0.25 : 0
    addQuantity(total, parseQuantity(some ?? number!) + more, unit ?? shortUnit!)
  }
  for (const [, some, halfBefore, unit, halfAfter] of text.matchAll(new RegExp(PART_ZH, 'g')))
    addQuantity(total, parseQuantity(some!) + (halfBefore || halfAfter ? 0.5 : 0), unit!)
  return total
}

const parseQuantity = (said: string): number =>
  Object.hasOwn(QUANTITY_WORDS, said) ? QUANTITY_WORDS[said]! : Number(said)

/** Half a day is twelve hours. */
function addQuantity(total: Duration, number: number, said: string): void {
  const [part, size] = UNITS.find(([form]) => form.test(said))![1]
  const whole = part === 'ms' ? number * size : Math.floor(number) * size
  total[part] += whole
  const rest = number - Math.floor(number)
  if (part === 'days') total.ms += rest * size * 86_400_000
  if (part === 'months') total.days += Math.round(rest * size * 30)
}
