import { LaresError } from '../../shared/errors.ts'
import type { SkillContext } from '../../shared/function/skill.ts'
import { findLength, findMoment, later } from './moment.ts'
import { dueIn, phrases } from './phrases.ts'
import { recurrenceIn } from './reading.ts'

const MAX_TEXT = 500
/** Longer words are no time. */
const MAX_WHEN = 200
const MAX_PENDING = 200
const MAX_AHEAD_MS = 10 * 366 * 86_400_000

type Context = SkillContext<'timers' | 'documents'>

/** Sets a reminder once, however often the event comes, and says when it is due. */
export async function set(when: string, text: string, context: Context): Promise<string> {
  const { language, conversation, person, timers, saidAt, idempotencyKey } = context
  const say = phrases[language]
  if (text.length > MAX_TEXT) throw new LaresError('rejected', say.tooLong)
  if (recurrenceIn(when)) return say.recurring
  const due = when.length > MAX_WHEN ? undefined : await dueAt(when, context)
  if (!due) return say.when(text)
  if (due <= saidAt) throw new LaresError('rejected', say.past(dueIn(due, context)))
  if (due.getTime() - saidAt.getTime() > MAX_AHEAD_MS) throw new LaresError('rejected', say.tooFar)
  const pending = await timers.pending(person, MAX_PENDING)
  if (pending.length === MAX_PENDING && !pending.some(({ id }) => id === idempotencyKey))
    throw new LaresError('rejected', say.tooMany)
  const about = text || say.reminder
  const timer = { id: idempotencyKey, conversation, person, text: about, language, dueAt: due.toISOString() }
  await timers.schedule(timer)
  return say.set({ text: about, due: dueIn(due, context) })
}

/** A model may say "20 minutes" when it means in that time. */
async function dueAt(when: string, { saidAt, timeZone }: Context): Promise<Date | undefined> {
  const moment = await findMoment(when, { saidAt, timeZone, morning: false })
  if (moment) return moment.due
  const length = findLength(when)
  return length && later(saidAt, length.duration, timeZone)
}
