import * as z from 'zod'
import type { Language } from '#shared/contract/events/event-types.ts'
import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'
import { parseReminderRequest } from './parse.ts'

/** What a reminder that is asked about has so far. */
const incompleteReminderSchema = z.strictObject({
  missing: z.enum(['when', 'text']),
  when: z.string(),
  text: z.string(),
})
export type IncompleteReminder = z.infer<typeof incompleteReminderSchema>

type AnswerContext = Omit<MomentContext, 'morning'> & { language: Language; asked?: Record<string, unknown> }
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
  const words = answer.trim().replace(LEADING_FILLERS, '').replace(TRAILING_FILLERS, '')
  const found = await findMomentInAnswer(words, context)
  if (!found) return null
  const rest = found.rest.replace(LEADING_FILLERS, '').replace(TRAILING_FILLERS, '').trim()
  const when = found.due.toISOString()
  if (rest === '') return { when, text }
  const about = text === '' ? (ABOUT.exec(rest) ?? ABOUT_ZH.exec(rest))?.[1] : undefined
  return about === undefined ? null : { when, text: about }
}

/** "10 minutes" is in that time, and "5" is at that hour. */
async function findMomentInAnswer(words: string, { saidAt, timeZone }: AnswerContext) {
  const durationMatch = findDuration(words)
  if (durationMatch?.rest === '')
    return {
      due: addDuration(saidAt, durationMatch.duration, timeZone),
      rest: '',
      hasDay: true,
      hasTime: true,
    }
  const partOfDay = PART_OF_DAY.exec(words)?.[1]
  const normalised = BARE_HOUR.test(words)
    ? `at ${words}`
    : partOfDay
      ? `${partOfDay === 'morning' ? 'tomorrow' : 'this'} ${partOfDay}`
      : words
  return await findMoment(normalised, { saidAt, timeZone, morning: false })
}

const BARE_HOUR = /^(?:\d{1,2}(?:[:.]\d\d)?|[a-z]+)$/i
const PART_OF_DAY = /^in the (morning|afternoon|evening)$/i

/** Any words but a question, and but what is a wish of its own. */
async function parseTextAnswer(
  answer: string,
  { when }: IncompleteReminder,
  context: AnswerContext,
): Promise<CompletedReminder | null> {
  if (/[?？]\s*$/.test(answer) || (await parseReminderRequest(answer, context))) return null
  const about = answer
    .trim()
    .replace(LEADING_FILLERS, '')
    .replace(/^(?:to|about|of|that)\s+/i, '')
    .replace(/[\s.。!！]+$/, '')
  return about === '' ? null : { when, text: about }
}

/** What frames an answer and says nothing. */
const LEADING_FILLERS =
  /^(?:(?:well|ok|okay|yes|sure|um|uh|hm+|please|maybe|perhaps|say|let's say|how about|what about|make (?:it|that)|remind me|that(?:'s| is)|it(?:'s| is)|let me know)\b[\s,]*|好的?|嗯|那就?|就|请|提醒我|叫我|可以|大概|[\s,.，。、]+)+/i
const TRAILING_FILLERS =
  /(?:\s*\b(?:please|pls|thanks|thank you|then|(?:is|would be|will be|sounds) (?:good|fine|great|ok|okay|perfect)|or so)\b|之前|左右|的时候|吧|好了?|可以|提醒我?|叫我|谢谢|呢|啊|[\s.!?,。！？，、~])+$/i
const ABOUT = /^(?:to|about|of|that)\s+(.+)$/i
/** Chinese needs no word between the time and what it is for. */
const ABOUT_ZH = /^((?=.*\p{Script=Han}).+)$/u
