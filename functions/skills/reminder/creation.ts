import { LaresError } from '#shared/base/errors.ts'
import type { SkillAnswer } from '#shared/contract/skill/skill.ts'
import type { SkillContext } from '#shared/contract/skill/skill-context.ts'
import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import { packFor } from '#shared/language/packs.ts'
import type { IncompleteReminder } from './answers.ts'
import { formatDue } from './messages.ts'
import { findRecurrence } from './parse.ts'

const MAX_TEXT_LENGTH = 500
/** The longest text of a time. */
const MAX_WHEN_LENGTH = 200
const MAX_PENDING = 200
const MAX_AHEAD_MS = 10 * 366 * 86_400_000

type Context = SkillContext<'timers' | 'records'>

/**
 * Sets a reminder once, however often the event arrives, and confirms when it is due. It first asks for a missing time,
 * and then for a missing text.
 */
export async function setReminder(when: string, text: string, context: Context): Promise<SkillAnswer> {
  const { language, conversation, person, timers, saidAt, idempotencyKey, address } = context
  const t = packFor(language).reminder.phrases
  if (text.length > MAX_TEXT_LENGTH) throw new LaresError('rejected', t.tooLong)
  if (findRecurrence(when, language)) return t.recurring
  const due = when.length > MAX_WHEN_LENGTH ? undefined : await parseDue(when, context)
  if (!due)
    return askForMissing(t.when(isCustomText(text, t) ? text : ''), { missing: 'when', when: '', text })
  if (due <= saidAt) throw new LaresError('rejected', t.past(formatDue(due, context)))
  if (due.getTime() - saidAt.getTime() > MAX_AHEAD_MS) throw new LaresError('rejected', t.tooFar)
  const pending = await timers.pending(person, MAX_PENDING)
  if (pending.length === MAX_PENDING && !pending.some(({ id }) => id === idempotencyKey))
    throw new LaresError('rejected', t.tooMany)
  const dueAt = due.toISOString()
  if (text === '')
    return askForMissing(t.what(formatDue(due, context)), { missing: 'text', when: dueAt, text })
  await timers.schedule({
    id: idempotencyKey,
    conversation,
    person,
    text,
    language,
    dueAt,
    ...(address && { address }),
  })
  return t.set({ text, due: formatDue(due, context) })
}

/** The default text of a timer or alarm is not the person's own. */
const isCustomText = (text: string, { alarm, timer }: { alarm: string; timer: string }): boolean =>
  text !== alarm && text !== timer

/** Asks for the missing part. Any words may be the text of a reminder. */
const askForMissing = (text: string, asked: IncompleteReminder): SkillAnswer => ({
  text,
  asks: { asked, takesAnyWords: asked.missing === 'text' },
})

/** A model may write "20 minutes" for a time 20 minutes from now. */
async function parseDue(when: string, { saidAt, timeZone, language }: Context): Promise<Date | undefined> {
  const moment = await findMoment(when, { saidAt, timeZone, morning: false, language })
  if (moment) return moment.due
  const durationMatch = findDuration(when, language)
  return durationMatch && addDuration(saidAt, durationMatch.duration, timeZone)
}
