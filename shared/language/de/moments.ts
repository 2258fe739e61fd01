import type { DateLanguage, MomentLanguage } from '../pack.ts'
import { normaliseCalendar } from './calendar.ts'
import { normaliseClock } from './clock.ts'
import { durationPattern, parseDuration, relativeTimePattern } from './duration.ts'

export const moments: MomentLanguage = {
  normaliseClock,
  normaliseCalendar,
  loadDateParser: async () => (await import('chrono-node/de')).casual,
  /** "Mai", "So" and "jetzt" are also names or other words. */
  isFalsePositive: found =>
    /^(?:mai|so|mo|di|mi|do|fr|sa|jetzt|früh|morgen|nacht|\d{1,2}|\d{4})$/.test(found.trim()),
  dayParts: [
    [/früh|vormittag/, [9]],
    [/nachmittag/, [15]],
    [/mittag/, [12]],
    [/abend/, [19, 21]],
    [/nacht/, [22, 23]],
    [/ morgen/, [9]],
  ],
  lead: /(?<!\p{L})(?:um|am|ab|bis|gegen|für|von|zum|so)\s+$/u,
  relativeTime: relativeTimePattern,
  duration: durationPattern,
  parseDuration,
  toClockPhrase: hour => `um ${hour}`,
}

const WEEKDAYS = ['Sonntag', 'Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag']
const MONTHS = 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' ')

export const dates: DateLanguage = {
  formatDate: ({ year, month, day, weekday }) => `${WEEKDAYS[weekday]}, ${day}. ${MONTHS[month - 1]} ${year}`,
  formatDateTime: (date, clock) => `${date} um ${clock} Uhr`,
}
