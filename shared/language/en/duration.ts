import {
  type Duration,
  QUANTITY,
  sumDuration,
  type TimeUnit,
  unitOf,
  withoutGroups,
} from '../moments/duration.ts'

const UNITS: readonly (readonly [RegExp, TimeUnit])[] = [
  [/^(?:s|secs?|seconds?)$/, 'second'],
  [/^(?:m|min[a-z]*)$/, 'minute'],
  [/^(?:h|hrs?|hours?)$/, 'hour'],
  [/^(?:d|days?)$/, 'day'],
  [/^(?:w|wks?|weeks?)$/, 'week'],
  [/^fortnights?$/, 'fortnight'],
  [/^months?$/, 'month'],
  [/^(?:y|yrs?|years?)$/, 'year'],
]
const PART = String.raw`(?:(half|half an?|a half|a quarter of an|(?:a )?couple(?: of)?|a few|another|an?|${QUANTITY})\s+(?:more\s+)?(and a half\s+)?(seconds?|secs?|min(?:ute|tue|uet|ut)?s?|hours?|hrs?|days?|weeks?|wks?|fortnights?|months?|years?)(\s+and a half|\s+and a quarter)?|(${QUANTITY})-?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w))(?![a-z])`
const DURATION = `${withoutGroups(PART)}(?:(?:,?\\s*and\\s+|,\\s*|\\s*)${withoutGroups(PART)})*`

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
}

/** "In ten minutes", "two hours from now". */
export const relativeTimePattern = new RegExp(
  `\\b(?:(?:in|within|after)\\s+(?:about\\s+|the next\\s+)?(${DURATION})(?:'s?)?(?:\\s+time)?|(${DURATION})\\s+(?:from now|later|hence))(?![a-z])`,
)
export const durationPattern = new RegExp(`(?:\\bfor\\s+)?(${DURATION})(?![a-z])`)

/** Parses a match of these patterns, in lower case and with digits. */
export const parseDuration = (text: string): Duration =>
  sumDuration(
    [...text.matchAll(new RegExp(PART, 'g'))].map(match => {
      const [, some, halfBefore, unit, halfAfter, number, shortUnit] = match
      const more = halfBefore || halfAfter?.includes('half') ? 0.5 : halfAfter ? 0.25 : 0
      const quantity = QUANTITY_WORDS[some ?? ''] ?? Number(some ?? number)
      return { quantity: quantity + more, unit: unitOf((unit ?? shortUnit)!, UNITS) }
    }),
  )
