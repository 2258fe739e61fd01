import type { Language } from '#shared/contract/events/event-types.ts'
import { formatDate, formatTime, wallTime } from '#shared/language/dates.ts'

const DAY_MS = 86_400_000
const MAX_LISTED = 20

export type FormatContext = { language: Language; timeZone: string; saidAt: Date }

/** When something is due, seen from now: "today at 17:00", "on Friday, 3 April 2026 at 09:00", 明天 09:00. */
export function formatDue(due: Date, { language, timeZone, saidAt }: FormatContext): string {
  const [wall, now] = [wallTime(due, timeZone), wallTime(saidAt, timeZone)]
  const day =
    (Date.UTC(wall.year, wall.month - 1, wall.day) - Date.UTC(now.year, now.month - 1, now.day)) / DAY_MS
  const aheadMs = due.getTime() - saidAt.getTime()
  const isSoon = aheadMs > 0 && aheadMs < 5 * 60_000
  const clock = formatTime(wall) + (isSoon ? `:${String(wall.second).padStart(2, '0')}` : '')
  const near = [
    ['today', '今天'],
    ['tomorrow', '明天'],
  ][day]
  if (language === 'zh') return `${near?.[1] ?? formatDate(wall, 'zh')} ${clock}`
  return `${near?.[0] ?? `on ${formatDate(wall, 'en')}`} at ${clock}`
}

type ReminderItem = { text: string; due: string }

export const toReminderItem = (
  { text, dueAt }: { text: string; dueAt: string },
  context: FormatContext,
): ReminderItem => ({
  text,
  due: formatDue(new Date(dueAt), context),
})

const bulletList = (items: ReminderItem[], bullet = (_: number): string => '-'): string =>
  items
    .slice(0, MAX_LISTED)
    .map(({ text, due }, at) => `${bullet(at)} ${due}: ${text}`)
    .join('\n')

/** They are numbered, so that a number is an answer. */
const numberedList = (items: ReminderItem[]): string => bulletList(items, at => `${at + 1}.`)

export const phrases = {
  en: {
    reminder: 'this is what you wanted to be reminded of',
    alarm: 'this is what you wanted to be reminded of',
    timer: 'the time is up',
    set: ({ text, due }: ReminderItem) => `I will remind you ${due}: ${text}`,
    when: (text: string) =>
      `When shall I remind you${text ? ` (${text})` : ''}? Say for example "tomorrow at 9" or "in an hour".`,
    what: (due: string) => `What shall I remind you of ${due}?`,
    past: (due: string) => `That time is over (${due}), so I cannot remind you then.`,
    tooFar: 'That is too far away: I can remind you within ten years.',
    tooMany: 'You have too many reminders already. Cancel some first.',
    tooLong: 'That is too long for a reminder. Save it as a note, and have me remind you of the note.',
    recurring:
      'I can remind you once, not again and again. Say for example "remind me tomorrow at 8 to take my pills".',
    none: 'You have no reminders.',
    list: (items: ReminderItem[]) =>
      `Your reminders:\n${bulletList(items)}${items.length > MAX_LISTED ? `\nand ${items.length - MAX_LISTED} more.` : ''}`,
    cancelled: ({ text, due }: ReminderItem) => `Cancelled: ${text} (${due}).`,
    cancelledAll: (count: number) =>
      count === 1 ? 'Cancelled your one reminder.' : `Cancelled all ${count} reminders.`,
    cancelledThese: (items: ReminderItem[]) => `Cancelled:\n${bulletList(items)}`,
    over: 'It is over already, so there is nothing left to cancel.',
    unknown: (items: ReminderItem[]) => `I find no such reminder. Your reminders:\n${bulletList(items)}`,
    which: (items: ReminderItem[]) => `Which one shall I cancel?\n${numberedList(items)}`,
  },
  zh: {
    reminder: '你要我提醒你的时间到了',
    alarm: '你要我提醒你的时间到了',
    timer: '时间到了',
    set: ({ text, due }: ReminderItem) => `好的，我会在${due}提醒你：${text}`,
    when: (text: string) => `什么时候提醒你${text ? `（${text}）` : ''}？例如“明天上午九点”或“一小时后”。`,
    what: (due: string) => `${due}提醒你什么？`,
    past: (due: string) => `这个时间（${due}）已经过了，没法提醒你。`,
    tooFar: '时间太远了，我只能提醒十年以内的事。',
    tooMany: '你的提醒太多了，请先取消一些。',
    tooLong: '内容太长，不能作为提醒。可以先存成笔记，再让我提醒你看笔记。',
    recurring: '我只能提醒一次，还不能重复提醒。可以说“明天早上八点提醒我吃药”。',
    none: '你没有提醒。',
    list: (items: ReminderItem[]) =>
      `你的提醒：\n${bulletList(items)}${items.length > MAX_LISTED ? `\n还有${items.length - MAX_LISTED}条。` : ''}`,
    cancelled: ({ text, due }: ReminderItem) => `已取消：${text}（${due}）。`,
    cancelledAll: (count: number) => `已取消全部${count}条提醒。`,
    cancelledThese: (items: ReminderItem[]) => `已取消：\n${bulletList(items)}`,
    over: '它已经过了，没有什么要取消的了。',
    unknown: (items: ReminderItem[]) => `没有找到这样的提醒。你的提醒：\n${bulletList(items)}`,
    which: (items: ReminderItem[]) => `要取消哪一条？\n${numberedList(items)}`,
  },
} as const
