import { formatTime, wallTime } from '#shared/language/dates.ts'
import { packFor } from '#shared/language/packs.ts'
import type { ReminderItem } from '#shared/language/skill-language.ts'

const DAY_MS = 86_400_000
const MAX_LISTED = 20

export type FormatContext = { language: string; timeZone: string; saidAt: Date }

/** A due time relative to now: "today at 17:00", "on Friday, 3 April 2026 at 09:00", 明天 09:00. */
export function formatDue(due: Date, { language, timeZone, saidAt }: FormatContext): string {
  const [wall, now] = [wallTime(due, timeZone), wallTime(saidAt, timeZone)]
  const day =
    (Date.UTC(wall.year, wall.month - 1, wall.day) - Date.UTC(now.year, now.month - 1, now.day)) / DAY_MS
  const aheadMs = due.getTime() - saidAt.getTime()
  const isSoon = aheadMs > 0 && aheadMs < 5 * 60_000
  const clock = formatTime(wall) + (isSoon ? `:${String(wall.second).padStart(2, '0')}` : '')
  const { dates, reminder } = packFor(language)
  const near = (['today', 'tomorrow'] as const)[day]
  return reminder.formatDue({ date: dates.formatDate(wall), near }, clock)
}

export const toReminderItem = (
  { text, dueAt }: { text: string; dueAt: string },
  context: FormatContext,
): ReminderItem => ({
  text,
  due: formatDue(new Date(dueAt), context),
})

export const bulletList = (items: readonly ReminderItem[], bullet = (_: number): string => '-'): string =>
  items
    .slice(0, MAX_LISTED)
    .map(({ text, due }, at) => `${bullet(at)} ${due}: ${text}`)
    .join('\n')

/** The number of reminders that a list omits. */
export const countUnlisted = (items: readonly ReminderItem[]): number =>
  Math.max(0, items.length - MAX_LISTED)

/** Numbers the reminders, so that a number can answer the question. */
export const numberedList = (items: readonly ReminderItem[]): string => bulletList(items, at => `${at + 1}.`)
