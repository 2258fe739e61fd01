import * as z from 'zod'
import { packsReading } from './detection.ts'
import { strip } from './fillers.ts'
import { bestMatches, type Matches } from './matching.ts'
import type { LanguagePack } from './pack.ts'
import { packs } from './packs.ts'

/**
 * One of several items that a person is asked to choose from. `text` is as much of the item's text as an answer may
 * name.
 */
const optionSchema = z.object({
  id: z.string(),
  text: z.string(),
  dueAt: z.iso.datetime({ offset: true }).optional(),
})
export type Option = z.infer<typeof optionSchema>

const choiceQuestionSchema = z.strictObject({ among: z.array(optionSchema) })

/** The most items in a question: a skill's question must fit into the state of its conversation. */
const MAX_OPTIONS = 20
const MAX_TEXT_LENGTH = 60
/** A longer text is no answer. */
const MAX_ANSWER_LENGTH = 200

/**
 * The question "which one?" with its items in the order in which the person sees them, so that the answer can be read.
 */
export const choiceQuestion = (options: readonly Option[]) => ({
  asked: {
    among: options.slice(0, MAX_OPTIONS).map(({ id, text, dueAt }) => ({
      id,
      text: [...text].slice(0, MAX_TEXT_LENGTH).join(''),
      ...(dueAt && { dueAt }),
    })),
  },
})

/** The items of an open "which one?" question; undefined if the open question is another one, or if there is none. */
export const parseChoiceQuestion = (asked: unknown): Option[] | undefined =>
  choiceQuestionSchema.safeParse(asked).data?.among

/**
 * The options that an answer to "which one?" names: by their places in the list ("the second one", "1 and 3", 第二个), by
 * their words, or all. `isSure`: there is no other reading. Empty if the words are no answer. `language`: the tag of
 * the conversation's language, for an answer that does not show its own.
 */
export function parseChoice(options: readonly Option[], answer: string, language?: string): Matches<Option> {
  if (answer.length > MAX_ANSWER_LENGTH) return NO_MATCHES
  const readers = packsReading(answer, language)
  const words = stripAnswer(answer, readers)
  if (readers.some(({ answers }) => answers.all.test(words))) return { items: [...options], isSure: true }
  const positions = splitList(words, readers).map(part => parseListPosition(part, options.length, readers))
  if (positions.every(place => place !== undefined))
    return { items: options.filter((_, at) => positions.includes(at)), isSure: true }
  const named = bestMatches(options, ({ text }) => text, words, language)
  return named.isSure ? { items: named.items, isSure: named.items.length === 1 } : NO_MATCHES
}

const NO_MATCHES: Matches<Option> = { items: [], isSure: false }

/** An answer without the filler words around it. */
export const stripFillerWords = (answer: string, language?: string): string =>
  stripAnswer(answer, packsReading(answer, language))

/** Collapses spaces, so that the patterns do not try the many ways to split a run of them. */
const stripAnswer = (answer: string, readers: readonly LanguagePack[]): string =>
  strip(
    answer.replaceAll('’', "'").replace(/\s+/g, ' ').trim().toLowerCase(),
    readers.map(({ answers }) => answers.leadingFillers),
    readers.map(({ answers }) => answers.trailingFillers),
  )

const splitList = (words: string, readers: readonly LanguagePack[]): string[] =>
  readers.reduce((parts, { answers }) => parts.flatMap(part => part.split(answers.separator)), [words])

/** A position from 0 to `count` - 1; undefined if the words name no such position. */
function parseListPosition(
  words: string,
  count: number,
  readers: readonly LanguagePack[],
): number | undefined {
  for (const { answers, numeralsToDigits } of readers) {
    if (answers.last.test(words)) return count - 1
    const ordinal = answers.ordinals.findIndex(form => form.test(words))
    const digits = answers.listNumber.exec(numeralsToDigits(words))?.[1]
    const place = ordinal >= 0 ? ordinal : Number(digits ?? Number.NaN) - 1
    if (place >= 0 && place < count) return place
  }
  return undefined
}

/** Whether a text withdraws an open question, of any kind and in any language: "never mind", "none", 算了. */
export const isNeverMind = (said: string): boolean =>
  packs.some(({ answers }) => answers.neverMind.test(said.trim()))
