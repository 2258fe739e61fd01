import type { DateLanguage, MomentLanguage } from '../pack.ts'
import { normaliseCalendar } from './calendar.ts'
import { normaliseClock } from './clock.ts'
import { durationPattern, parseDuration, relativeTimePattern } from './duration.ts'

export const moments: MomentLanguage = {
  normaliseClock,
  normaliseCalendar,
  loadDateParser: async () => (await import('chrono-node/en')).casual,
  /** "May", "Sun" and "second" are also names or other words. */
  isFalsePositive: (found, before) =>
    /^(?:may|march|mar|sun|sat|wed|now|second|the second)$/.test(found) &&
    !/\b(?:on|next|this|in)\s+$/.test(before),
  impliedDay: /^this /,
  dayParts: [
    [/morning/, [9]],
    [/\bnoon\b/, [12]],
    [/afternoon/, [15]],
    [/evening/, [19, 21]],
    [/night/, [20, 22, 23]],
  ],
  lead: /\b(?:at|on|by|for|around|from|this|@)\s+$/,
  relativeTime: relativeTimePattern,
  duration: durationPattern,
  parseDuration,
  toClockPhrase: hour => `at ${hour}`,
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

export const dates: DateLanguage = {
  formatDate: ({ year, month, day, weekday }) => `${WEEKDAYS[weekday]}, ${day} ${MONTHS[month - 1]} ${year}`,
  formatDateTime: (date, clock) => `${date} at ${clock}`,
}
