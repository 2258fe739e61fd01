import { decidedOnce } from '#shared/contract/decision.ts'
import type { SkillAnswer, SkillContext } from '#shared/contract/skill.ts'
import { askedAmong, chosenOf, type Option, plain, whichOf } from '#shared/language/choices.ts'
import { wallTime } from '#shared/language/dates.ts'
import { bestMatches, type Matches } from '#shared/language/matching.ts'
import { type Asked, findMoment } from '#shared/language/moments/moment.ts'
import type { Timer } from '#shared/store/store.ts'
import { itemOf, phrases } from './messages.ts'

const MAX_PENDING = 200
const MAX_WORDS = 200
const ALL = /^(?:all|every|everything|所有|全部)$/i

type Context = SkillContext<'timers' | 'documents'>
type Cancelled = { timers: Timer[]; reply: SkillAnswer }

/** Cancels the reminder that is meant, or all of them; where several could be meant, it asks which. */
export async function cancel(words: string, context: Context): Promise<SkillAnswer> {
  const { documents, timers, person, idempotencyKey: id, saidAt } = context
  const key = { collection: 'cancelled-reminders', person, id }
  const decided = await decidedOnce(documents, key, saidAt, () => decide(words, context))
  for (const timer of decided.timers) await timers.cancel(person, timer.id)
  return decided.reply
}

/** The reminders that an answer to "which one?" means; none when it is something else. Nothing but the words is looked at. */
export async function readChoice(
  said: string,
  asked: unknown,
  here: Omit<Asked, 'morning'>,
): Promise<Matches<Option>> {
  const among = askedAmong(asked)
  if (!among || said.length > MAX_WORDS) return NONE
  const chosen = chosenOf(among, said)
  if (chosen.items.length > 0) return chosen
  const byTime = await matching(among, plain(said), here)
  return byTime.isSure ? { ...byTime, isSure: byTime.items.length === 1 } : NONE
}

const NONE: Matches<Option> = { items: [], isSure: false }

async function decide(said: string, context: Context): Promise<Cancelled> {
  const { timers, person, language } = context
  const say = phrases[language]
  const words = said.slice(0, MAX_WORDS)
  const pending = await timers.pending(person, MAX_PENDING)
  const item = (timer: Timer) => itemOf(timer, context)
  if (askedAmong(context.asked)) {
    const { items, isSure } = await readChoice(words, context.asked, context)
    const ids = new Set(items.map(({ id }) => id))
    const meant = pending.filter(({ id }) => ids.has(id))
    if (meant.length === 0) return { timers: [], reply: say.over }
    if (meant.length > 1 && !isSure) return { timers: [], reply: askWhich(meant, context) }
    const reply = meant.length > 1 ? say.cancelledThese(meant.map(item)) : say.cancelled(item(meant[0]!))
    return { timers: meant, reply }
  }
  if (pending.length === 0) return { timers: [], reply: say.none }
  if (ALL.test(words)) return { timers: pending, reply: say.cancelledAll(pending.length) }
  const { items: meant, isSure } =
    words === '' ? { items: pending, isSure: true } : await matching(pending, words, context)
  if (meant.length === 0) return { timers: [], reply: say.unknown(pending.map(item)) }
  if (meant.length > 1 || !isSure) return { timers: [], reply: askWhich(meant, context) }
  return { timers: meant, reply: say.cancelled(item(meant[0]!)) }
}

const askWhich = (meant: Timer[], context: Context): SkillAnswer => ({
  text: phrases[context.language].which(meant.map(timer => itemOf(timer, context))),
  asks: whichOf(meant),
})

/** By its words, or by its time: "the 5pm reminder", "the one tomorrow". */
async function matching<Item extends { text: string; dueAt?: string | undefined }>(
  items: readonly Item[],
  words: string,
  { saidAt, timeZone }: Omit<Asked, 'morning'>,
): Promise<Matches<Item>> {
  const byWords = bestMatches(items, ({ text }) => text, words)
  if (byWords.isSure) return byWords
  const moment = await findMoment(words, { saidAt, timeZone, morning: false })
  if (!moment) return byWords
  const due = wallTime(moment.due, timeZone)
  const rest = bestMatches(items, ({ text }) => text, moment.rest)
  const then = (rest.items.length > 0 ? rest.items : items).filter(({ dueAt }) => {
    const wall = wallTime(new Date(dueAt ?? Number.NaN), timeZone)
    const isThatDay = wall.day === due.day && wall.month === due.month && wall.year === due.year
    const isThatTime = wall.hour === due.hour && wall.minute === due.minute
    return (isThatDay || !moment.hasDay) && (isThatTime || !moment.hasTime)
  })
  return { items: [...then], isSure: rest.isSure || moment.rest === '' }
}
