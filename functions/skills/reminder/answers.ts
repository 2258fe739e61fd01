import * as z from 'zod'
import type { Language } from '#shared/contract/events/event-types.ts'
import { type Asked, findLength, findMoment, later } from '#shared/language/moments/moment.ts'
import { readWish } from './parse.ts'

/** What a reminder that is asked about has so far. */
const before = z.strictObject({
  missing: z.enum(['when', 'text']),
  when: z.string(),
  text: z.string(),
})
export type Before = z.infer<typeof before>

type Here = Omit<Asked, 'morning'> & { language: Language; asked?: Record<string, unknown> }
export type Answered = { when: string; text: string }

const MAX_LENGTH = 500

/**
 * Puts an answer to what was missing together with what was known; null when the words are no answer: when they ask for
 * something else, or say more than was asked for.
 */
export async function readAnswer(said: string, here: Here): Promise<Answered | null> {
  const known = before.safeParse(here.asked)
  if (!known.success || said.length > MAX_LENGTH) return null
  return known.data.missing === 'when' ? timeIn(said, known.data, here) : textIn(said, known.data, here)
}

/** A time and nothing else, or the time with what it is for, when that is not known either. */
async function timeIn(said: string, { text }: Before, here: Here): Promise<Answered | null> {
  const words = said.trim().replace(LEAD, '').replace(END, '')
  const found = await momentIn(words, here)
  if (!found) return null
  const rest = found.rest.replace(LEAD, '').replace(END, '').trim()
  const when = found.due.toISOString()
  if (rest === '') return { when, text }
  const about = text === '' ? (ABOUT.exec(rest) ?? ABOUT_ZH.exec(rest))?.[1] : undefined
  return about === undefined ? null : { when, text: about }
}

/** "10 minutes" is in that time, and "5" is at that hour. */
async function momentIn(words: string, { saidAt, timeZone }: Here) {
  const length = findLength(words)
  if (length?.rest === '')
    return { due: later(saidAt, length.duration, timeZone), rest: '', hasDay: true, hasTime: true }
  const spoken = PART_OF_DAY.exec(words)?.[1]
  const asSaid = BARE_HOUR.test(words)
    ? `at ${words}`
    : spoken
      ? `${spoken === 'morning' ? 'tomorrow' : 'this'} ${spoken}`
      : words
  return await findMoment(asSaid, { saidAt, timeZone, morning: false })
}

const BARE_HOUR = /^(?:\d{1,2}(?:[:.]\d\d)?|[a-z]+)$/i
const PART_OF_DAY = /^in the (morning|afternoon|evening)$/i

/** Any words but a question, and but what is a wish of its own. */
async function textIn(said: string, { when }: Before, here: Here): Promise<Answered | null> {
  if (/[?？]\s*$/.test(said) || (await readWish(said, here))) return null
  const about = said
    .trim()
    .replace(LEAD, '')
    .replace(/^(?:to|about|of|that)\s+/i, '')
    .replace(/[\s.。!！]+$/, '')
  return about === '' ? null : { when, text: about }
}

/** What frames an answer and says nothing. */
const LEAD =
  /^(?:(?:well|ok|okay|yes|sure|um|uh|hm+|please|maybe|perhaps|say|let's say|how about|what about|make (?:it|that)|remind me|that(?:'s| is)|it(?:'s| is)|let me know)\b[\s,]*|好的?|嗯|那就?|就|请|提醒我|叫我|可以|大概|[\s,.，。、]+)+/i
const END =
  /(?:\s*\b(?:please|pls|thanks|thank you|then|(?:is|would be|will be|sounds) (?:good|fine|great|ok|okay|perfect)|or so)\b|之前|左右|的时候|吧|好了?|可以|提醒我?|叫我|谢谢|呢|啊|[\s.!?,。！？，、~])+$/i
const ABOUT = /^(?:to|about|of|that)\s+(.+)$/i
/** Chinese needs no word between the time and what it is for. */
const ABOUT_ZH = /^((?=.*\p{Script=Han}).+)$/u
