import type { Fact } from '#shared/knowledge/memories.ts'
import { packsReading } from '#shared/language/detection.ts'
import { isAboutOneself } from './second-person.ts'

const MAX_FACT_LENGTH = 500
const MAX_STATEMENT_LENGTH = 2 * MAX_FACT_LENGTH

/** The fact that the person asks memory to remember, in their words; undefined when they do not ask that. */
export function parseRememberRequest(text: string, language?: string): Fact | undefined {
  const said = text.trim().replaceAll('’', "'")
  const rest = packsReading(said, language)[0].memory.facts.rememberedText(said)
  return rest && rest.length <= MAX_FACT_LENGTH ? toFact(rest, language) : undefined
}

/** Facts that the person states in passing. It skips long texts, because people usually paste those. */
export function findStatedFacts(text: string, language?: string): Fact[] {
  if (text.length > MAX_STATEMENT_LENGTH) return []
  return splitSentences(text, language)
    .filter(sentence => {
      const { facts } = packsReading(sentence, language)[0].memory
      return facts.stated.some(form => form.test(sentence)) && !facts.question.test(sentence)
    })
    .map(sentence => toFact(sentence, language))
}

/**
 * Whether a model may find more facts than the rules do: a sentence is about the person and neither a question nor an
 * order.
 */
export const mayContainFacts = (text: string, language?: string): boolean =>
  text.length <= MAX_STATEMENT_LENGTH &&
  splitSentences(text, language).some(sentence => {
    const { facts } = packsReading(sentence, language)[0].memory
    return (
      isAboutOneself(sentence, language) && !facts.question.test(sentence) && !facts.command.test(sentence)
    )
  })

/** A title's full stop does not end a sentence. A word joiner replaces the space behind it until the text is split. */
const TITLE_ABBREVIATION = /\b(Dr|Mr|Mrs|Ms|Prof|St|Mt)\. /g

function splitSentences(text: string, language: string | undefined): string[] {
  const parts =
    text
      .replaceAll('’', "'")
      .replace(TITLE_ABBREVIATION, '$1.\u2060')
      .match(/[^.!?。！？，;；\n]+(?:\.(?=\S)[^.!?。！？，;；\n]+)*[.!?。！？]?/gu) ?? []
  return parts.map(sentence => normaliseStatement(sentence.replaceAll('\u2060', ' ').trim(), language))
}

/** Turns a change into the fact that holds now. The fact replaces the one before. */
const normaliseStatement = (sentence: string, language: string | undefined): string =>
  packsReading(sentence, language).reduce(
    (said, { memory: { facts } }) =>
      facts.changes.reduce(
        (changed, [form, fact]) => changed.replace(form, fact),
        said.replace(facts.leadingFillers, ''),
      ),
    sentence,
  )

export const toFact = (words: string, language?: string): Fact => {
  const text = words.trim().replace(/[\s.。!！?？]+$/u, '')
  return { text, subject: packsReading(text, language)[0].memory.facts.subjectOf(text) }
}
