import { packsReading } from '#shared/language/detection.ts'

/** Turns a person's statement about themselves into one to them: "my code is 1" becomes "your code is 1". */
export const toSecondPerson = (text: string, language?: string): string =>
  packsReading(text, language)[0].memory.toSecondPerson(text)

/** The statement as a sentence of its own, to the person. */
export const toSecondPersonSentence = (text: string, language?: string): string =>
  packsReading(text, language)[0].memory.toSentence(text)

/** Whether the person speaks of themselves. Other questions are not a reason to search their memories. */
export const isAboutOneself = (text: string, language?: string): boolean =>
  packsReading(text, language).some(({ memory }) => memory.facts.oneself.test(text))
