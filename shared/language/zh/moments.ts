import type { DateLanguage, MomentLanguage } from '../pack.ts'
import { normaliseCalendar } from './calendar.ts'
import { normaliseClock } from './clock.ts'
import { durationPattern, parseDuration, relativeTimePattern } from './duration.ts'

export const moments: MomentLanguage = {
  normaliseClock,
  normaliseCalendar,
  loadDateParser: async () => (await import('chrono-node/zh/hans')).casual,
  dayParts: [
    [/凌晨/, [5]],
    [/早|上午|晨/, [9]],
    [/中午/, [12]],
    [/下午/, [15]],
    [/傍晚/, [19, 21]],
    [/晚|夜/, [20, 22, 23]],
  ],
  lead: /(?:在|于|到|等)$/,
  relativeTime: relativeTimePattern,
  duration: durationPattern,
  parseDuration,
  toClockPhrase: hour => `${hour}点`,
}

const WEEKDAYS = ['星期日', '星期一', '星期二', '星期三', '星期四', '星期五', '星期六']

export const dates: DateLanguage = {
  formatDate: ({ year, month, day, weekday }) => `${year}年${month}月${day}日${WEEKDAYS[weekday]}`,
  formatDateTime: (date, clock) => `${date} ${clock}`,
}
