import type { WallTime } from '../dates.ts'
import {
  type Day,
  dayOfMonthIn,
  daysAfter,
  formatIso,
  nextDayOfMonth,
  weekdayOfWeek,
} from '../moments/calendar.ts'

const WEEKDAYS = ['montag', 'dienstag', 'mittwoch', 'donnerstag', 'freitag', 'samstag', 'sonntag']
const MONTHS = [
  'januar|jänner|jan',
  'februar|feb',
  'märz|mär',
  'april|apr',
  'mai',
  'juni|jun',
  'juli|jul',
  'august|aug',
  'september|sept|sep',
  'oktober|okt',
  'november|nov',
  'dezember|dez',
]
const MONTH = `(${MONTHS.join('|')})\\.?(?!\\p{L})`
const WEEKDAY = `(${WEEKDAYS.join('|')}|sonnabend)`
const PART = '(früh|morgen|vormittag|mittag|nachmittag|abend|nacht)'

const monthNumber = (word: string): number => MONTHS.findIndex(names => names.split('|').includes(word)) + 1
const weekdayNumber = (word: string): number => WEEKDAYS.indexOf(word.replace('sonnabend', 'samstag')) + 1

const ORDINALS =
  'ersten zweiten dritten vierten fünften sechsten siebten achten neunten zehnten elften zwölften'.split(' ')
const ORDINAL_WORD = new RegExp(`(?<!\\p{L})(?:(?:am|zum) )(${ORDINALS.join('|')})(?!\\p{L})`, 'gu')

const form = (pattern: string): RegExp => new RegExp(`(?<!\\p{L})${pattern}`, 'gu')
const DAY_AND_MONTH = form(`(?:(?:am|zum|den) )?(\\d{1,2})\\. ?${MONTH}(?: (\\d{4}))?`)
const NUMERIC_DATE = form(`(?:(?:am|zum|den) )?(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4}|\\d\\d)?(?!\\d)`)
const DAY_OF_NEXT_MONTH = form('(?:am |zum )?(\\d{1,2})\\. (?:des )?nächsten monats')
const DAY_ALONE = form(
  `(?:am|zum) (\\d{1,2})\\.(?= *(?:$|[,;!?]| (?:um|gegen|an|daran|dass|ab|früh|abends|bitte|erinner)))`,
)
const WEEKDAY_NEXT_WEEK = form(`(?:am )?${WEEKDAY} (?:in der )?nächste(?:r|n)? woche`)
const NEXT_WEEK_WEEKDAY = form(`nächste woche(?: am)? ${WEEKDAY}(?:s(?!\\p{L}))?`)
const WEEKDAY_ALONE = form(
  `(?:(?:am|diesen|kommenden|nächsten|nächster|an diesem) )?${WEEKDAY}(?: ?${PART})?(?!\\p{L})`,
)
const NEAR_DAYS: readonly (readonly [RegExp, number])[] = [
  [form(`übermorgen(?: ${PART})?(?!\\p{L})`), 2],
  [form(`morgen ${PART}(?!\\p{L})`), 1],
  [form(`heute ${PART}(?!\\p{L})`), 0],
  [form('heute(?!\\p{L})()'), 0],
]
const TOMORROW = form('(?<!am |guten |jeden |heute )morgen(?!\\p{L})')
const MONTH_END = form('(?:am |zum )?(monatsende|ende des monats|ende nächsten monats)')
const WEEKEND = form('(?:am (?:kommenden )?|(dieses|nächstes) )wochenende')
const NEXT_WEEK = form('nächste woche(?!\\p{L})')

/** The next occurrence of the date, which may be today. */
function dayInYear(now: Day, day: number, month: number, year: string | undefined): Day {
  if (year !== undefined) return { year: year.length === 2 ? 2000 + Number(year) : Number(year), month, day }
  const isOver = month < now.month || (month === now.month && day < now.day)
  return { year: now.year + (isOver ? 1 : 0), month, day }
}

const PART_HOURS: Readonly<Record<string, number[]>> = {
  früh: [9],
  morgen: [9],
  vormittag: [9],
  mittag: [12],
  nachmittag: [15],
  abend: [19, 21],
  nacht: [22, 23],
}

/**
 * A day with the hour of a part of the day; on the current day, the first such hour that is still to come. The hour is
 * left out if a time follows in the text.
 */
function withPart(now: WallTime, day: Day, part: string | undefined, after: string): string {
  if (part === undefined || TIME_FOLLOWS.test(after)) return formatIso(day)
  const hours = PART_HOURS[part]!
  const isToday = formatIso(day) === formatIso(now)
  const hour = (isToday && hours.find(each => each > now.hour)) || hours[isToday ? hours.length - 1 : 0]!
  return `${formatIso(day)} um ${hour}:00`
}

const TIME_FOLLOWS = /^,? *(?:(?:um|gegen|ab|so gegen) )?\d{1,2}(?::\d\d)?(?![\d.])/

/** The next such weekday, after today. */
function nextWeekday(now: WallTime, weekday: number): Day {
  const today = now.weekday || 7
  return daysAfter(now, weekday > today ? weekday - today : weekday - today + 7)
}

/**
 * Rewrites days as ISO 8601 dates, with the part of the day after them: "nächsten dienstagabend" as 2026-03-31 abend.
 * The date library knows few of these forms. Expects lower case and digits; `now` is the speaker's wall-clock time.
 */
export function normaliseCalendar(plain: string, now: WallTime): string {
  const days = plain
    .replace(ORDINAL_WORD, (_, word: string) => `am ${ORDINALS.indexOf(word) + 1}.`)
    .replace(NUMERIC_DATE, (said, day: string, month: string, year: string | undefined) =>
      Number(month) >= 1 && Number(month) <= 12
        ? formatIso(dayInYear(now, Number(day), Number(month), year))
        : said,
    )
    .replace(DAY_AND_MONTH, (_, day: string, month: string, year: string | undefined) =>
      formatIso(dayInYear(now, Number(day), monthNumber(month), year)),
    )
    .replace(DAY_OF_NEXT_MONTH, (_, day: string) => formatIso(dayOfMonthIn(now, 1, Number(day))))
    .replace(DAY_ALONE, (said, day: string) =>
      Number(day) >= 1 && Number(day) <= 31 ? formatIso(nextDayOfMonth(now, Number(day))) : said,
    )
    .replace(MONTH_END, (_, end: string) =>
      formatIso(dayOfMonthIn(now, end.includes('nächsten') ? 1 : 0, 31)),
    )
    .replace(WEEKEND, (_, which: string | undefined) =>
      formatIso(weekdayOfWeek(now, which === 'nächstes' ? 1 : 0, 6)),
    )
  const weekdays = days
    .replace(WEEKDAY_NEXT_WEEK, (_, day: string) => formatIso(weekdayOfWeek(now, 1, weekdayNumber(day))))
    .replace(NEXT_WEEK_WEEKDAY, (_, day: string) => formatIso(weekdayOfWeek(now, 1, weekdayNumber(day))))
    .replace(WEEKDAY_ALONE, (said, day: string, part: string | undefined, at: number, all: string) =>
      withPart(now, nextWeekday(now, weekdayNumber(day)), part, all.slice(at + said.length)),
    )
    .replace(NEXT_WEEK, () => formatIso(daysAfter(now, 7)))
  return NEAR_DAYS.reduce(
    (said, [pattern, ahead]) =>
      said.replace(pattern, (found, part: string | undefined, at: number, all: string) =>
        withPart(now, daysAfter(now, ahead), part || undefined, all.slice(at + found.length)),
      ),
    weekdays,
  ).replace(TOMORROW, () => formatIso(daysAfter(now, 1)))
}
