import * as z from 'zod'
import { bestMatches, type Matches } from './matching.ts'
import { chineseNumeralsToDigits, englishNumeralsToDigits } from './numerals.ts'

/** One of several things that a person is asked to choose from, with as much of its text as it may be named by. */
const optionSchema = z.object({
  id: z.string(),
  text: z.string(),
  dueAt: z.iso.datetime({ offset: true }).optional(),
})
export type Option = z.infer<typeof optionSchema>

const choiceQuestionSchema = z.strictObject({ among: z.array(optionSchema) })

/** More are not listed; what a skill asks with has to fit into the state of its conversation. */
const MAX_OPTIONS = 20
const MAX_TEXT_LENGTH = 60
/** Longer words are no answer. */
const MAX_ANSWER_LENGTH = 200

/** What "which one?" is asked with, in the order in which the things are listed, so that the answer can be read. */
export const choiceQuestion = (options: readonly Option[]) => ({
  asked: {
    among: options.slice(0, MAX_OPTIONS).map(({ id, text, dueAt }) => ({
      id,
      text: [...text].slice(0, MAX_TEXT_LENGTH).join(''),
      ...(dueAt && { dueAt }),
    })),
  },
})

/** What was asked to be chosen from; undefined when something else was asked, or nothing. */
export const parseChoiceQuestion = (asked: unknown): Option[] | undefined =>
  choiceQuestionSchema.safeParse(asked).data?.among

/**
 * The options that an answer to "which one?" means: by their places in the list ("the second one", "1 and 3", 第二个), by
 * their words, or all. `isAnswer`: no other reading is left. None when the words are no answer.
 */
export function parseChoice(options: readonly Option[], answer: string): Matches<Option> {
  if (answer.length > MAX_ANSWER_LENGTH) return NO_MATCHES
  const words = stripFillerWords(answer)
  if (ALL_ITEMS.test(words)) return { items: [...options], isSure: true }
  const positions = words.split(LIST_SEPARATOR).map(part => parseListPosition(part, options.length))
  if (positions.every(place => place !== undefined))
    return { items: options.filter((_, at) => positions.includes(at)), isSure: true }
  const named = bestMatches(options, ({ text }) => text, words)
  return named.isSure ? { items: named.items, isSure: named.items.length === 1 } : NO_MATCHES
}

const NO_MATCHES: Matches<Option> = { items: [], isSure: false }

/** An answer without what frames it. Single spaces keep the patterns from trying the many ways to part a run of them. */
export const stripFillerWords = (answer: string): string =>
  answer
    .replaceAll('’', "'")
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
    .replace(LEADING_FILLERS, '')
    .replace(TRAILING_FILLERS, '')
    .trim()

const LEADING_FILLERS =
  /^(?:(?:ok|okay|yes|yeah|um|uh|well|please|just|i (?:mean|meant|want|wanted)|it's|that's|cancel|delete|remove|drop|erase|forget|get rid of|the ones?(?: (?:about|to|for|with|that says|saying))?|the|that|my|number|no\.|option|about|to)(?=$|[ ,])|请|嗯|那就?|就是?|我(?:是|要|想|说)*|把|取消|删除|删掉|删|选|要|关于|[# ,，。、])+/
const TRAILING_FILLERS =
  /(?: (?:ones?|please|thanks|thank you|reminders?|alarms?|timers?|notes?)|(?:的?那|的)[个条项]?|取消|删除|删掉|掉|吧|谢谢|了|啊|呀|[ .!。！~])+$/

const ALL_ITEMS =
  /^(?:(?:all|both|every one|everything)(?: (?:of )?(?:them|those|these|two|three))?|(?=.)(?:两[个条]|所有|全部)?(?:全?都|全部?|所有)?)$/
const LIST_SEPARATOR = / ?(?:,|，|、|&|\band\b|和|跟|还有) ?(?:and )?(?:the )?/

const ORDINALS = [
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
  'ninth',
  'tenth',
]
const LIST_NUMBER = /^(?:第 ?)?(\d{1,2})(?:st|nd|rd|th| ?[个条项])?$/
const LAST_ITEM = /^(?:(?:very )?last|最后一?[个条项]?)$/

/** From 0, of so many; undefined when the words name no such place. */
function parseListPosition(words: string, count: number): number | undefined {
  if (LAST_ITEM.test(words)) return count - 1
  const ordinal = ORDINALS.indexOf(words)
  const digits = LIST_NUMBER.exec(chineseNumeralsToDigits(englishNumeralsToDigits(words)))?.[1]
  const place = ordinal >= 0 ? ordinal : Number(digits ?? Number.NaN) - 1
  return place >= 0 && place < count ? place : undefined
}

/** Takes back what was asked about, whatever it was: "never mind", "none", 算了. */
export const isNeverMind = (said: string): boolean => NEVER_MIND.test(said.trim())

const NEVER_MIND =
  /^(?:(?:oh|ah|ok|okay|well|actually|no),? *)*(?:never ?mind|forget (?:it|about it)|cancel(?: it| that)?|stop|leave it|neither|none|no(?: thanks| thank you)?|nothing|it doesn'?t matter|不(?:用|要|必)了?|算了(?:吧)?|没事了?|都不是|取消|不提醒了)[\s.!。！~]*$/i
