import * as z from 'zod'
import { packsReading } from '#shared/language/detection.ts'
import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'
import { parseReminderRequest, trimFillers } from './parse.ts'

/** What a reminder that is asked about has so far. */
const incompleteReminderSchema = z.strictObject({
  missing: z.enum(['when', 'text']),
  when: z.string(),
  text: z.string(),
})
export type IncompleteReminder = z.infer<typeof incompleteReminderSchema>

type AnswerContext = Omit<MomentContext, 'morning'> & { asked?: Record<string, unknown> }
export type CompletedReminder = { when: string; text: string }

const MAX_ANSWER_LENGTH = 500

/**
 * Puts an answer to what was missing together with what was known; null when the words are no answer: when they ask for
 * something else, or say more than was asked for.
 */
export async function parseAnswer(answer: string, context: AnswerContext): Promise<CompletedReminder | null> {
  const incomplete = incompleteReminderSchema.safeParse(context.asked)
  if (!incomplete.success || answer.length > MAX_ANSWER_LENGTH) return null
  return incomplete.data.missing === 'when'
    ? parseTimeAnswer(answer, incomplete.data, context)
    : parseTextAnswer(answer, incomplete.data, context)
}

/** A time and nothing else, or the time with what it is for, when that is not known either. */
async function parseTimeAnswer(
  answer: string,
  { text }: IncompleteReminder,
  context: AnswerContext,
): Promise<CompletedReminder | null> {
  const readers = packsReading(answer, context.language)
  const words = trimFillers(answer, 'answerFillers', readers)
  const found = await findMomentInAnswer(words, context)
  if (!found) return null
  const rest = trimFillers(found.rest, 'answerFillers', readers)
  const when = found.due.toISOString()
  if (rest === '') return { when, text }
  const about = readers
    .map(({ reminder }) => reminder.about.exec(rest)?.[1])
    .find(found => found !== undefined)
  return text !== '' || about === undefined ? null : { when, text: about }
}

/** "10 minutes" is in that time, and "5" is at that hour. */
async function findMomentInAnswer(words: string, { saidAt, timeZone, language }: AnswerContext) {
  const durationMatch = findDuration(words, language)
  if (durationMatch?.rest === '')
    return {
      due: addDuration(saidAt, durationMatch.duration, timeZone),
      rest: '',
      hasDay: true,
      hasTime: true,
    }
  const { reminder } = packsReading(words, language)[0]
  const phrase = reminder.toMomentPhrase(words)
  return await findMoment(phrase, { saidAt, timeZone, morning: false, ...(language && { language }) })
}

/** Any words but a question, and but what is a wish of its own. */
async function parseTextAnswer(
  answer: string,
  { when }: IncompleteReminder,
  context: AnswerContext,
): Promise<CompletedReminder | null> {
  if (/[?？]\s*$/.test(answer) || (await parseReminderRequest(answer, context))) return null
  const readers = packsReading(answer, context.language)
  const about = readers
    .reduce(
      (rest, { reminder }) => rest.replace(reminder.answerLead, ''),
      readers.reduce((rest, { reminder }) => rest.replace(reminder.answerFillers.leading, ''), answer.trim()),
    )
    .replace(/[\s.。!！]+$/, '')
  return about === '' ? null : { when, text: about }
}
