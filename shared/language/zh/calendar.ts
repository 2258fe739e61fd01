import type { WallTime } from '../dates.ts'
import { type Day, dayOfMonthIn, daysAfter, nextDayOfMonth, weekdayOfWeek } from '../moments/calendar.ts'

const WEEKDAY = '(?:周|星期|礼拜)([一二三四五六日天])'
const weekdayNumber = (weekday: string): number => '一二三四五六日'.indexOf(weekday.replace('天', '日')) + 1
const PERIOD_OFFSETS: Readonly<Record<string, number>> = { 下下: 2, 下: 1, 这: 0, 本: 0 }
const periodOffset = (said: string | undefined): number => PERIOD_OFFSETS[said ?? ''] ?? 0

/** Text that may follow a day's number, but not the number of a thing: 5号楼 is a building. */
const NOT_BEFORE_NOUN =
  '(?!\\d|楼|线|门|房|车|店|位|客|公|桌|机|院|馆|厅|室|病|台|柜|窗|码|球|电|选|字|会|文|包|队|员|仓|箱|站|出|入)'
const PART_OF_DAY = '(凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上)'
const PART_OF_DAY_HOURS: Readonly<Record<string, string>> = {
  凌晨: '凌晨5点',
  清晨: '上午6点',
  早上: '上午9点',
  早晨: '上午9点',
  上午: '上午9点',
  中午: '中午12点',
  下午: '下午3点',
  傍晚: '晚上7点',
  晚上: '晚上8点',
}

const formatChinese = ({ year, month, day }: Day): string => `${year}年${month}月${day}日`

/**
 * Rewrites days as dates if the date library does not know or misreads them: 下个月5号 as 2026年4月5日, 月底, 下下周一. Expects
 * lower case and digits; `now` is the speaker's wall-clock time.
 */
export function normaliseCalendar(plain: string, now: WallTime): string {
  const monthsAhead = '(下下|下|这|本)个?月'
  return plain
    .replace(
      new RegExp(`${monthsAhead}(?:的|份)?(\\d{1,2})[号日]${NOT_BEFORE_NOUN}`, 'g'),
      (_, period: string, day: string) => formatChinese(dayOfMonthIn(now, periodOffset(period), Number(day))),
    )
    .replace(new RegExp(`(?:${monthsAhead}|(?<![\\d年个月])月)的?(?:底|末)`, 'g'), (_, period?: string) =>
      formatChinese(dayOfMonthIn(now, periodOffset(period), 31)),
    )
    .replace(new RegExp(`${monthsAhead}的?初`, 'g'), (_, period: string) =>
      formatChinese(dayOfMonthIn(now, periodOffset(period), 1)),
    )
    .replace(
      /(?:([明今后])年的?)?(?<![\d个])(\d{1,2})月的?([底末初])/g,
      (said, year: string | undefined, month: string, part: string) =>
        monthEdge(now, year, Number(month), part) ?? said,
    )
    .replace(/([明今后])年(?:的)?(?=\d{1,2}月)/g, (_, year: string) => `${now.year + YEARS.indexOf(year)}年`)
    .replace(/([明今]?)年底/g, (_, year: string) =>
      formatChinese({ year: now.year + (year === '明' ? 1 : 0), month: 12, day: 31 }),
    )
    .replace(/(下下|下|这|本)?个?周末/g, (_, period?: string) =>
      formatChinese(weekdayOfWeek(now, periodOffset(period), 6)),
    )
    .replace(new RegExp(`(下下|下|这|本)个?${WEEKDAY}`, 'g'), (_, period: string, weekday: string) =>
      formatChinese(weekdayOfWeek(now, periodOffset(period), weekdayNumber(weekday))),
    )
    .replace(/(下下|下)个?(?:周|星期|礼拜)/g, (_, period: string) =>
      formatChinese(daysAfter(now, 7 * periodOffset(period))),
    )
    .replace(/(下下|下)个?月(?![\d初末底])/g, (_, period: string) =>
      formatChinese(dayOfMonthIn(now, periodOffset(period), now.day)),
    )
    .replace(new RegExp(`(?<![\\d月年第])(\\d{1,2})号${NOT_BEFORE_NOUN}`, 'g'), (said, day: string) =>
      Number(day) >= 1 && Number(day) <= 31 ? formatChinese(nextDayOfMonth(now, Number(day))) : said,
    )
    .replace(new RegExp(`${WEEKDAY}的?(?=${PART_OF_DAY}(?!\\d))`, 'g'), (_, weekday: string) =>
      formatChinese(
        weekdayOfWeek(now, weekdayNumber(weekday) < (now.weekday || 7) ? 1 : 0, weekdayNumber(weekday)),
      ),
    )
    .replace(
      new RegExp(`(月\\d{1,2}[日号])的?${PART_OF_DAY}(?!\\d)`, 'g'),
      (_, day: string, part: string) => day + PART_OF_DAY_HOURS[part],
    )
}

const YEARS = '今明后'

/** The first or last day of a named month; without a year, of the next such month. */
function monthEdge(now: Day, year: string | undefined, month: number, part: string): string | undefined {
  if (month < 1 || month > 12) return undefined
  const isOver = part === '初' ? month < now.month || (month === now.month && now.day > 1) : month < now.month
  const years = year === undefined ? (isOver ? 1 : 0) : YEARS.indexOf(year)
  return formatChinese(dayOfMonthIn(now, 12 * years + month - now.month, part === '初' ? 1 : 31))
}
