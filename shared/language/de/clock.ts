import { hourBefore, twoDigits } from '../moments/calendar.ts'

const HOUR = '(1\\d|2[0-4]|0?\\d)'
const NOT_IN_TIME = '(?![\\d:]|[.,]\\d|\\s*(?:minute|sekunde|stunde|tag|woche|monat|jahr|%))'
const time = (hour: string | number, minutes: string | number): string => `${hour}:${twoDigits(minutes)}`
const minutesBefore = (hour: string, minutes: number): string => time(hourBefore(hour), 60 - minutes)

const form = (pattern: string): RegExp => new RegExp(`(?<!\\p{L})${pattern}`, 'gu')
const HALF = form(`halb ${HOUR}${NOT_IN_TIME}`)
const AROUND_HALF = form(`(\\d{1,2}|viertel) (?:minuten )?(vor|nach) halb ${HOUR}${NOT_IN_TIME}`)
const QUARTER = form(`viertel (vor|nach) ${HOUR}${NOT_IN_TIME}`)
const THREE_QUARTERS = form(`(?:dreiviertel|drei viertel) ${HOUR}${NOT_IN_TIME}`)
const MINUTES = form(`(\\d{1,2}) (?:minuten )?(vor|nach) ${HOUR}${NOT_IN_TIME}`)
const HOUR_AND_MINUTES = form(`${HOUR} uhr (\\d{1,2})${NOT_IN_TIME}`)
const DOTTED = form(`(um |ab |bis |gegen )?${HOUR}[.:]([0-5]\\d)( uhr)?(?![\\d.])`)
const FULL_HOUR = form(`${HOUR} uhr(?!\\p{L})`)

/** A part of the day beside an hour moves the hour to the afternoon or evening: "abends um 7". */
const LATE = '(?:abends?|nachmittags?|nachts?)'
const LATE_BEFORE = form(
  `(${LATE}) (um |gegen |so gegen |ab )?${HOUR}(:\\d\\d)?(?![\\d.:]|\\s*(?:minute|stunde))`,
)
const LATE_AFTER = form(`${HOUR}(:\\d\\d) ((?:heute|morgen|übermorgen) |am )?(${LATE})(?!\\p{L})`)
const EARLY_AFTER = form(
  `${HOUR}(:\\d\\d) (?:morgens|früh|vormittags|in der früh|am (?:morgen|vormittag))(?!\\p{L})`,
)

const lateHour = (hour: string, part: string): string => {
  const isNight = part.startsWith('nacht')
  return String(Number(hour) >= (isNight ? 7 : 1) && Number(hour) < 12 ? Number(hour) + 12 : hour)
}

/** Rewrites spoken times of day as clock times: "halb 7" as 6:30, "viertel vor 5" as 4:45, "abends um 7" as 19:00. */
export const normaliseClock = (text: string): string =>
  text
    .replace(AROUND_HALF, (_, minutes: string, side: string, hour: string) => {
      const away = minutes === 'viertel' ? 15 : Number(minutes)
      return time(hourBefore(hour), side === 'vor' ? 30 - away : 30 + away)
    })
    .replace(HALF, (_, hour: string) => time(hourBefore(hour), 30))
    .replace(THREE_QUARTERS, (_, hour: string) => time(hourBefore(hour), 45))
    .replace(QUARTER, (_, side: string, hour: string) =>
      side === 'vor' ? minutesBefore(hour, 15) : time(hour, 15),
    )
    .replace(MINUTES, (_, minutes: string, side: string, hour: string) =>
      side === 'vor' ? minutesBefore(hour, Number(minutes)) : time(hour, minutes),
    )
    .replace(HOUR_AND_MINUTES, (_, hour: string, minutes: string) => time(hour, minutes))
    .replace(DOTTED, (said, lead: string | undefined, hour: string, minutes: string, uhr?: string) =>
      lead || uhr || said.includes(':') ? `${lead ?? ''}${time(hour, minutes)}` : said,
    )
    .replace(FULL_HOUR, '$1:00')
    .replace(
      LATE_BEFORE,
      (_, part: string, lead: string | undefined, hour: string, minutes: string | undefined) =>
        `${part} ${lead ?? ''}${lateHour(hour, part)}${minutes ?? ':00'}`,
    )
    .replace(LATE_AFTER, (_, hour: string, minutes: string, day: string | undefined, part: string) =>
      `${lateHour(hour, part)}${minutes} ${day === 'am ' ? '' : (day ?? '')}`.trimEnd(),
    )
    .replace(EARLY_AFTER, (_, hour: string, minutes: string) => `${twoDigits(hour)}${minutes}`)
