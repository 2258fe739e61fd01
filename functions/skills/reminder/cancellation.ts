import * as z from 'zod'
import { lazy } from '#shared/base/concurrency/lazy.ts'
import { decideOnce } from '#shared/contract/decision.ts'
import { type SkillAnswer, skillAnswerSchema } from '#shared/contract/skill/skill.ts'
import type { SkillContext } from '#shared/contract/skill/skill-context.ts'
import {
  choiceQuestion,
  type Option,
  parseChoice,
  parseChoiceQuestion,
  stripFillerWords,
} from '#shared/language/choices.ts'
import { wallTime } from '#shared/language/dates.ts'
import { packsReading } from '#shared/language/detection.ts'
import { bestMatches, type Matches } from '#shared/language/matching.ts'
import { findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'
import { packFor } from '#shared/language/packs.ts'
import type { Timer } from '#shared/store/store.ts'
import { bulletList, numberedList, toReminderItem } from './messages.ts'

const MAX_PENDING = 200
const MAX_QUERY_LENGTH = 200

type Context = SkillContext<'timers' | 'records'>
const cancelDecisionSchema = lazy(() =>
  z.object({ timers: z.array(z.object({ id: z.string() })), reply: skillAnswerSchema() }),
)
type CancelDecision = z.infer<ReturnType<typeof cancelDecisionSchema>>

/** Cancels the matching reminder, or all of them. When several match, it asks which one. */
export async function cancelReminder(query: string, context: Context): Promise<SkillAnswer> {
  const { records, timers, person, idempotencyKey: id, saidAt } = context
  const key = { collection: 'cancelled-reminders', person, id }
  const decision = await decideOnce(
    records,
    key,
    saidAt,
    () => decideCancellation(query, context),
    cancelDecisionSchema(),
  )
  for (const timer of decision.timers) await timers.cancel(person, timer.id)
  return decision.reply
}

/**
 * The reminders that an answer to "which one?" chooses; none when it is not an answer. It reads nothing but the words.
 */
export async function parseReminderChoice(
  answer: string,
  asked: unknown,
  context: Omit<MomentContext, 'morning'>,
): Promise<Matches<Option>> {
  const options = parseChoiceQuestion(asked)
  if (!options || answer.length > MAX_QUERY_LENGTH) return NO_MATCHES
  const chosen = parseChoice(options, answer, context.language)
  if (chosen.items.length > 0) return chosen
  const byTime = await findMatchingReminders(options, stripFillerWords(answer, context.language), context)
  return byTime.isSure ? { ...byTime, isSure: byTime.items.length === 1 } : NO_MATCHES
}

const NO_MATCHES: Matches<Option> = { items: [], isSure: false }

async function decideCancellation(said: string, context: Context): Promise<CancelDecision> {
  const { timers, person, language } = context
  const t = packFor(language).reminder.phrases
  const words = said.slice(0, MAX_QUERY_LENGTH)
  const pending = await timers.pending(person, MAX_PENDING)
  const toItem = (timer: Timer) => toReminderItem(timer, context)
  if (parseChoiceQuestion(context.asked)) {
    const { items, isSure } = await parseReminderChoice(words, context.asked, context)
    const ids = new Set(items.map(({ id }) => id))
    const meant = pending.filter(({ id }) => ids.has(id))
    if (meant.length === 0) return { timers: [], reply: t.over }
    if (meant.length > 1 && !isSure) return { timers: [], reply: askWhichReminder(meant, context) }
    const reply =
      meant.length > 1 ? t.cancelledThese(bulletList(meant.map(toItem))) : t.cancelled(toItem(meant[0]!))
    return { timers: meant, reply }
  }
  if (pending.length === 0) return { timers: [], reply: t.none }
  if (words === 'all' || packsReading(words, language).some(({ reminder }) => reminder.allQuery.test(words)))
    return { timers: pending, reply: t.cancelledAll(pending.length) }
  const { items: meant, isSure } =
    words === '' ? { items: pending, isSure: true } : await findMatchingReminders(pending, words, context)
  if (meant.length === 0) return { timers: [], reply: t.unknown(bulletList(pending.map(toItem))) }
  if (meant.length > 1 || !isSure) return { timers: [], reply: askWhichReminder(meant, context) }
  return { timers: meant, reply: t.cancelled(toItem(meant[0]!)) }
}

const askWhichReminder = (meant: Timer[], context: Context): SkillAnswer => ({
  text: packFor(context.language).reminder.phrases.which(
    numberedList(meant.map(timer => toReminderItem(timer, context))),
  ),
  asks: choiceQuestion(meant),
})

/** Finds reminders by their words, or by their time: "the 5pm reminder", "the one tomorrow". */
async function findMatchingReminders<Item extends { text: string; dueAt?: string | undefined }>(
  items: readonly Item[],
  query: string,
  context: Omit<MomentContext, 'morning'>,
): Promise<Matches<Item>> {
  const byWords = bestMatches(items, ({ text }) => text, query, context.language)
  if (byWords.isSure) return byWords
  const moment = await findMoment(query, { ...context, morning: false })
  if (!moment) return byWords
  const due = wallTime(moment.due, context.timeZone)
  const rest = bestMatches(items, ({ text }) => text, moment.rest, context.language)
  const atThatTime = (rest.items.length > 0 ? rest.items : items).filter(({ dueAt }) => {
    const wall = wallTime(new Date(dueAt ?? Number.NaN), context.timeZone)
    const isThatDay = wall.day === due.day && wall.month === due.month && wall.year === due.year
    const isThatTime = wall.hour === due.hour && wall.minute === due.minute
    return (isThatDay || !moment.hasDay) && (isThatTime || !moment.hasTime)
  })
  return { items: [...atThatTime], isSure: rest.isSure || moment.rest === '' }
}
