import * as z from 'zod'
import { packsReading } from '#shared/language/detection.ts'
import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'
import { parseReminderRequest, trimFillers } from './parse.ts'

/** The known part of a reminder that the skill asks about. */
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
 * Completes the reminder with an answer to the question. Returns null when the words are not an answer: when they ask
 * for something else, or contain more than the question asked for.
 */
export async function parseAnswer(answer: string, context: AnswerContext): Promise<CompletedReminder | null> {
  const incomplete = incompleteReminderSchema.safeParse(context.asked)
  if (!incomplete.success || answer.length > MAX_ANSWER_LENGTH) return null
  return incomplete.data.missing === 'when'
    ? parseTimeAnswer(answer, incomplete.data, context)
    : parseTextAnswer(answer, incomplete.data, context)
}

/** Accepts a time alone, or a time with the reminder's text when that is missing too. */
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

/** The moment in an answer. "10 minutes" means in that time, and "5" means at that hour. */
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

/** Accepts any words except a question or a new request. */
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
