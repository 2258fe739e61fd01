import { LaresError } from '#shared/base/errors.ts'
import type { SkillAnswer, SkillContext } from '#shared/contract/skill.ts'
import { findLength, findMoment, later } from '#shared/language/moments/moment.ts'
import type { Before } from './answers.ts'
import { dueIn, phrases } from './messages.ts'
import { recurrenceIn } from './parse.ts'

const MAX_TEXT = 500
/** Longer words are no time. */
const MAX_WHEN = 200
const MAX_PENDING = 200
const MAX_AHEAD_MS = 10 * 366 * 86_400_000

type Context = SkillContext<'timers' | 'documents'>

/**
 * Sets a reminder once, however often the event comes, and says when it is due. It asks for the time when that is
 * missing, and then for what it is to be about.
 */
export async function set(when: string, text: string, context: Context): Promise<SkillAnswer> {
  const { language, conversation, person, timers, saidAt, idempotencyKey } = context
  const say = phrases[language]
  if (text.length > MAX_TEXT) throw new LaresError('rejected', say.tooLong)
  if (recurrenceIn(when)) return say.recurring
  const due = when.length > MAX_WHEN ? undefined : await momentOf(when, context)
  if (!due) return ask(say.when(isGiven(text, say) ? text : ''), { missing: 'when', when: '', text })
  if (due <= saidAt) throw new LaresError('rejected', say.past(dueIn(due, context)))
  if (due.getTime() - saidAt.getTime() > MAX_AHEAD_MS) throw new LaresError('rejected', say.tooFar)
  const pending = await timers.pending(person, MAX_PENDING)
  if (pending.length === MAX_PENDING && !pending.some(({ id }) => id === idempotencyKey))
    throw new LaresError('rejected', say.tooMany)
  const dueAt = due.toISOString()
  if (text === '') return ask(say.what(dueIn(due, context)), { missing: 'text', when: dueAt, text })
  await timers.schedule({ id: idempotencyKey, conversation, person, text, language, dueAt })
  return say.set({ text, due: dueIn(due, context) })
}

/** Timers and alarms are about nothing but the time. */
const isGiven = (text: string, { alarm, timer }: { alarm: string; timer: string }): boolean =>
  text !== alarm && text !== timer

/** Any words may say what a reminder is about. */
const ask = (text: string, asked: Before): SkillAnswer => ({
  text,
  asks: { asked, takesAnyWords: asked.missing === 'text' },
})

/** A model may say "20 minutes" when it means in that time. */
async function momentOf(when: string, { saidAt, timeZone }: Context): Promise<Date | undefined> {
  const moment = await findMoment(when, { saidAt, timeZone, morning: false })
  if (moment) return moment.due
  const length = findLength(when)
  return length && later(saidAt, length.duration, timeZone)
}
