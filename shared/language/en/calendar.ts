import type { WallTime } from '../dates.ts'
import { dayOfMonthIn, formatIso, nextDayOfMonth } from '../moments/calendar.ts'

/** "the 5th" is a day only if no noun follows that could be the fifth of something. */
const DAY_ORDINAL = '(?:on )?the (\\d{1,2})(?:st|nd|rd|th)'
const NOT_BEFORE_NOUN =
  '(?= *(?:$|[.,!?;]| (?:at|to|in|that|about|by|for|please|remind|i|morning|noon|afternoon|evening)\\b))'

/**
 * Rewrites days as dates if the date library does not know them: "the 5th of next month". Expects lower case and
 * digits.
 */
export function normaliseCalendar(plain: string, now: WallTime): string {
  return plain
    .replace(new RegExp(`\\bnext month,? ${DAY_ORDINAL}\\b`, 'g'), (_, day: string) =>
      formatIso(dayOfMonthIn(now, 1, Number(day))),
    )
    .replace(
      new RegExp(`\\b${DAY_ORDINAL} of (next|this|the) month\\b`, 'g'),
      (_, day: string, month: string) => formatIso(dayOfMonthIn(now, month === 'next' ? 1 : 0, Number(day))),
    )
    .replace(new RegExp(`\\b${DAY_ORDINAL}\\b${NOT_BEFORE_NOUN}`, 'g'), (said, day: string) =>
      Number(day) >= 1 && Number(day) <= 31 ? formatIso(nextDayOfMonth(now, Number(day))) : said,
    )
}
