import { packsReading } from '#shared/language/detection.ts'

/** Turns what a person said about themself into what is said to them: "my code is 1" becomes "your code is 1". */
export const toSecondPerson = (text: string, language?: string): string =>
  packsReading(text, language)[0].memory.toSecondPerson(text)

/** As a sentence of its own, said to the person. */
export const toSecondPersonSentence = (text: string, language?: string): string =>
  packsReading(text, language)[0].memory.toSentence(text)

/** Whether somebody speaks of themself: other questions are no reason to look through what they told. */
export const isAboutOneself = (text: string, language?: string): boolean =>
  packsReading(text, language).some(({ memory }) => memory.facts.oneself.test(text))
