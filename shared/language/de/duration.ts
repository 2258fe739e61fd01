import {
  type Duration,
  QUANTITY,
  sumDuration,
  type TimeUnit,
  unitOf,
  withoutGroups,
} from '../moments/duration.ts'

const UNITS: readonly (readonly [RegExp, TimeUnit])[] = [
  [/^(?:s|sek(?:unden?)?)$/, 'second'],
  [/^(?:m|min(?:uten?)?)$/, 'minute'],
  [/^viertelstunden?$/, 'quarter-hour'],
  [/^(?:h|std|stunden?)$/, 'hour'],
  [/^(?:d|tag(?:en?)?)$/, 'day'],
  [/^wochen?$/, 'week'],
  [/^monat(?:en?)?$/, 'month'],
  [/^jahr(?:en?)?$/, 'year'],
]
const UNIT =
  'viertelstunden?|sekunden?|sek|minuten?|min|stunden?|std|tagen?|tage|tag|wochen?|monaten?|monat|jahren?|jahr'
const PART = String.raw`(eine[rn]? halben?|halben?|dreiviertel|eine[rn]? dreiviertel|eine?[nrms]?|ein paar|paar|${QUANTITY})\s*(${UNIT}|[smhd](?=\s|$))(\s+und eine halbe)?(?!\p{L})`
const DURATION = `${withoutGroups(PART)}(?:(?:,?\\s*und\\s+|,\\s*|\\s*)${withoutGroups(PART)})*`

/** "In zehn Minuten", "zwei Stunden später". */
export const relativeTimePattern = new RegExp(
  `(?<!\\p{L})(?:(?:in|nach|binnen|innerhalb von)\\s+(?:etwa\\s+|ungefähr\\s+|ca\\.?\\s+|den nächsten\\s+)?(${DURATION})|(${DURATION})\\s+später)(?!\\p{L})`,
  'u',
)
export const durationPattern = new RegExp(`(?<!\\p{L})(?:(?:für|auf|von|über)\\s+)?(${DURATION})`, 'u')

function quantityOf(word: string): number {
  if (word.endsWith('dreiviertel')) return 0.75
  if (/halben?$/.test(word)) return 0.5
  if (word.endsWith('paar')) return 3
  return /^eine?[nrms]?$/.test(word) ? 1 : Number(word)
}

/** Parses a match of these patterns, in lower case and with digits. */
export const parseDuration = (text: string): Duration =>
  sumDuration(
    [...text.matchAll(new RegExp(PART, 'gu'))].map(([, some, unit, half]) => ({
      quantity: quantityOf(some!) + (half ? 0.5 : 0),
      unit: unitOf(unit!, UNITS),
    })),
  )
