import type { RememberedText, WordLanguage } from './pack.ts'
import { contentWordsBy } from './word-stems.ts'

/** The forms of questions about memories, in a language with spaces between its words. */
type QuestionLanguage = {
  words: WordLanguage
  normalise?(text: string): string
  /** The words that introduce a question: "do you know". */
  leadingFillers: RegExp
  again?: RegExp
  /**
   * A question without a question word after such an introduction ("tell me my code"), and the prefix that completes
   * it.
   */
  bareQuestion: RegExp
  bareQuestionPrefix: string
  /** A statement, unless it ends as a question: "I live ...". */
  bareActivity: RegExp
  /** The subject of the question, in the first group: a thing of the person's, an activity, or another thing. */
  forms: readonly { of: 'own' | 'activity' | 'thing'; form: RegExp }[]
  /** The words of a statement that name its subject. */
  subject(text: string): string
  /** A statement that gives a name, and the word for a name. */
  saysName: RegExp
  nameWord: string
  /** A statement about a thing of the person's. */
  ownThing: RegExp
  /** The owner of the thing that a statement is about: "sister" of "my sister's name". */
  owner(text: string): string
  /** A statement about an activity of the person. */
  ownActivity: RegExp
}

/** The memories that answer a question, by the words that both have; undefined if they do not clearly answer it. */
export const answerByWords =
  (language: QuestionLanguage) =>
  (memories: readonly RememberedText[], question: string): RememberedText[] | undefined => {
    const asked = parseQuestion(question, language)
    if (!asked || asked.words.length === 0) return undefined
    return asked.of === 'activity'
      ? memoriesOfActivity(memories, asked.words, language)
      : memoriesOfThing(memories, asked.words, asked.of, language)
  }

function parseQuestion(text: string, language: QuestionLanguage) {
  const said = language.normalise?.(text) ?? text
  const question = said
    .replace(language.leadingFillers, '')
    .replace(language.again ?? /^(?=)/, '')
    .replace(/[\s?!.]+$/, '')
  const isBare = language.bareQuestion.test(question) && language.leadingFillers.test(said)
  const normalised = isBare ? language.bareQuestionPrefix + question : question
  const found = language.forms.find(({ form }) => form.test(normalised))
  if (!found || (language.bareActivity.test(normalised) && !said.endsWith('?'))) return undefined
  return { of: found.of, words: contentWordsBy(language.words, found.form.exec(normalised)![1]!) }
}

/**
 * The newest memory about exactly that thing. For the person's own things also the only memory whose subject includes
 * these words.
 */
function memoriesOfThing(
  memories: readonly RememberedText[],
  queryWords: string[],
  of: 'own' | 'thing',
  language: QuestionLanguage,
): RememberedText[] | undefined {
  const subjectWords = (memory: RememberedText) => contentWordsBy(language.words, subjectOf(memory, language))
  const exact = memories.filter(memory => haveSameWords(subjectWords(memory), queryWords))
  if (exact.length > 0) return newestOnly(exact)
  if (of === 'thing') return undefined
  const wider = memories.filter(
    memory =>
      language.ownThing.test(memory.text) &&
      !belongsToSomebodyElse(memory, queryWords, language) &&
      queryWords.every(word => subjectWords(memory).includes(word)),
  )
  return wider.length === 1 ? [...wider] : undefined
}

/** "my sister's name" does not answer "my name". */
const belongsToSomebodyElse = (
  { text }: RememberedText,
  queryWords: string[],
  { words, owner }: QuestionLanguage,
): boolean => contentWordsBy(words, owner(text)).some(word => !queryWords.includes(word))

const subjectOf = (memory: RememberedText, { subject, saysName, nameWord }: QuestionLanguage): string =>
  memory.subject === 'name'
    ? nameWord
    : subject(memory.text) + (saysName.test(memory.text) ? ` ${nameWord}` : '')

function memoriesOfActivity(
  memories: readonly RememberedText[],
  queryWords: string[],
  { words: rules, ownActivity }: QuestionLanguage,
): RememberedText[] | undefined {
  const matching = memories.filter(memory => {
    const words = contentWordsBy(rules, memory.text)
    return (
      ownActivity.test(memory.text) &&
      words.length > queryWords.length &&
      queryWords.every(word => words.includes(word))
    )
  })
  return matching.length === 0 ? undefined : matching
}

export const newestOnly = (memories: readonly RememberedText[]): RememberedText[] => [
  memories.reduce((best, memory) => (memory.saidAt > best.saidAt ? memory : best)),
]

const haveSameWords = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every(word => b.includes(word))
