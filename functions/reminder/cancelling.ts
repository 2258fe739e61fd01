import type { Timer } from '../../shared/conversations/conversations.ts'
import { wallTime } from '../../shared/dates.ts'
import { decidedOnce } from '../../shared/function/decision.ts'
import type { SkillContext } from '../../shared/function/skill.ts'
import { bestMatches, type Matches } from '../../shared/matching.ts'
import { findMoment } from '../../shared/moments/moment.ts'
import { dueIn, phrases } from './phrases.ts'

const MAX_PENDING = 200
const MAX_WORDS = 200
const ALL = /^(?:all|every|everything|所有|全部)$/i

type Context = SkillContext<'timers' | 'documents'>
type Cancelled = { timers: Timer[]; reply: string }

/** Cancels the reminder that is meant, or all of them; where several could be meant, it asks which. */
export async function cancel(words: string, context: Context): Promise<string> {
  const { documents, timers, person, idempotencyKey: id, saidAt } = context
  const key = { collection: 'cancelled-reminders', person, id }
  const decided = await decidedOnce(documents, key, saidAt, () => decide(words, context))
  for (const timer of decided.timers) await timers.cancel(person, timer.id)
  return decided.reply
}

async function decide(said: string, context: Context): Promise<Cancelled> {
  const { timers, person, language } = context
  const say = phrases[language]
  const words = said.slice(0, MAX_WORDS)
  const pending = await timers.pending(person, MAX_PENDING)
  if (pending.length === 0) return { timers: [], reply: say.none }
  if (ALL.test(words)) return { timers: pending, reply: say.cancelledAll(pending.length) }
  const item = ({ text, dueAt }: Timer) => ({ text, due: dueIn(new Date(dueAt), context) })
  const { items: meant, isSure } =
    words === '' ? { items: pending, isSure: true } : await matching(pending, words, context)
  if (meant.length === 0) return { timers: [], reply: say.unknown(pending.map(item)) }
  if (meant.length > 1 || !isSure) return { timers: [], reply: say.which(meant.map(item)) }
  return { timers: meant, reply: say.cancelled(item(meant[0]!)) }
}

/** By its words, or by its time: "the 5pm reminder", "the one tomorrow". */
async function matching(
  pending: Timer[],
  words: string,
  { saidAt, timeZone }: Context,
): Promise<Matches<Timer>> {
  const byWords = bestMatches(pending, textOf, words)
  if (byWords.isSure) return byWords
  const moment = await findMoment(words, { saidAt, timeZone, morning: false })
  if (!moment) return byWords
  const due = wallTime(moment.due, timeZone)
  const rest = bestMatches(pending, textOf, moment.rest)
  const items = (rest.items.length > 0 ? rest.items : pending).filter(({ dueAt }) => {
    const wall = wallTime(new Date(dueAt), timeZone)
    return wall.hour === due.hour && wall.minute === due.minute && wall.day === due.day
  })
  return { items, isSure: rest.isSure || moment.rest === '' }
}

const textOf = ({ text }: Timer): string => text
