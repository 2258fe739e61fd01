import * as z from 'zod'
import { bestMatches, type Matches } from './matching.ts'
import { chineseDigits, englishDigits } from './numerals.ts'

/** One of several things that a person is asked to choose from, with as much of its text as it may be named by. */
const option = z.object({
  id: z.string(),
  text: z.string(),
  dueAt: z.iso.datetime({ offset: true }).optional(),
})
export type Option = z.infer<typeof option>

const question = z.strictObject({ among: z.array(option) })

/** More are not listed; what a skill asks with has to fit into the state of its conversation. */
const MAX_OPTIONS = 20
const MAX_TEXT = 60
/** Longer words are no answer. */
const MAX_SAID = 200

/** What "which one?" is asked with, in the order in which the things are listed, so that the answer can be read. */
export const whichOf = (options: readonly Option[]) => ({
  asked: {
    among: options.slice(0, MAX_OPTIONS).map(({ id, text, dueAt }) => ({
      id,
      text: [...text].slice(0, MAX_TEXT).join(''),
      ...(dueAt && { dueAt }),
    })),
  },
})

/** What was asked to be chosen from; undefined when something else was asked, or nothing. */
export const askedAmong = (asked: unknown): Option[] | undefined => question.safeParse(asked).data?.among

/**
 * The options that an answer to "which one?" means: by their places in the list ("the second one", "1 and 3", 第二个), by
 * their words, or all. `isSure`: no other reading is left. None when the words are no answer.
 */
export function chosenOf(options: readonly Option[], said: string): Matches<Option> {
  if (said.length > MAX_SAID) return NONE
  const words = plain(said)
  if (ALL.test(words)) return { items: [...options], isSure: true }
  const places = words.split(BETWEEN).map(part => placeIn(part, options.length))
  if (places.every(place => place !== undefined))
    return { items: options.filter((_, at) => places.includes(at)), isSure: true }
  const named = bestMatches(options, ({ text }) => text, words)
  return named.isSure ? { items: named.items, isSure: named.items.length === 1 } : NONE
}

const NONE: Matches<Option> = { items: [], isSure: false }

/** An answer without what frames it. Single spaces keep the patterns from trying the many ways to part a run of them. */
export const plain = (said: string): string =>
  said
    .replaceAll('’', "'")
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
    .replace(LEAD, '')
    .replace(END, '')
    .trim()

const LEAD =
  /^(?:(?:ok|okay|yes|yeah|um|uh|well|please|just|i (?:mean|meant|want|wanted)|it's|that's|cancel|delete|remove|drop|erase|forget|get rid of|the ones?(?: (?:about|to|for|with|that says|saying))?|the|that|my|number|no\.|option|about|to)(?=$|[ ,])|请|嗯|那就?|就是?|我(?:是|要|想|说)*|把|取消|删除|删掉|删|选|要|关于|[# ,，。、])+/
const END =
  /(?: (?:ones?|please|thanks|thank you|reminders?|alarms?|timers?|notes?)|(?:的?那|的)[个条项]?|取消|删除|删掉|掉|吧|谢谢|了|啊|呀|[ .!。！~])+$/

const ALL =
  /^(?:(?:all|both|every one|everything)(?: (?:of )?(?:them|those|these|two|three))?|(?=.)(?:两[个条]|所有|全部)?(?:全?都|全部?|所有)?)$/
const BETWEEN = / ?(?:,|，|、|&|\band\b|和|跟|还有) ?(?:and )?(?:the )?/

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
const PLACE = /^(?:第 ?)?(\d{1,2})(?:st|nd|rd|th| ?[个条项])?$/
const LAST = /^(?:(?:very )?last|最后一?[个条项]?)$/

/** From 0, of so many; undefined when the words name no such place. */
function placeIn(words: string, count: number): number | undefined {
  if (LAST.test(words)) return count - 1
  const ordinal = ORDINALS.indexOf(words)
  const digits = PLACE.exec(chineseDigits(englishDigits(words)))?.[1]
  const place = ordinal >= 0 ? ordinal : Number(digits ?? Number.NaN) - 1
  return place >= 0 && place < count ? place : undefined
}

/** Takes back what was asked about, whatever it was: "never mind", "none", 算了. */
export const isNeverMind = (said: string): boolean => NEVER_MIND.test(said.trim())

const NEVER_MIND =
  /^(?:(?:oh|ah|ok|okay|well|actually|no),? *)*(?:never ?mind|forget (?:it|about it)|cancel(?: it| that)?|stop|leave it|neither|none|no(?: thanks| thank you)?|nothing|it doesn'?t matter|不(?:用|要|必)了?|算了(?:吧)?|没事了?|都不是|取消|不提醒了)[\s.!。！~]*$/i
