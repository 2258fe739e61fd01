import { containsChinese } from '#shared/language/detection.ts'

const PRONOUN_SWAPS: Readonly<Record<string, string>> = {
  'i am': 'you are',
  'am i': 'are you',
  'i was': 'you were',
  'was i': 'were you',
  "i'm": 'you are',
  "i've": 'you have',
  "i'll": 'you will',
  "i'd": 'you would',
  i: 'you',
  me: 'you',
  my: 'your',
  mine: 'yours',
  myself: 'yourself',
  // "you" is the assistant.
  'you are': 'I am',
  "you're": 'I am',
  your: 'my',
  yours: 'mine',
  yourself: 'myself',
}
const PRONOUNS =
  /\b(?:I (?:am|was)|(?:am|was) I|I(?:'m|'ve|'ll|'d)?|me|my|mine|myself|you are|you're|(you) (?=can|will|should|must|have|were|may)|you|your|yours|yourself)\b/gi

/** Turns what a person said about themself into what is said to them: "my code is 1" becomes "your code is 1". */
export const toSecondPerson = (text: string): string =>
  containsChinese(text) ? swapChinesePronouns(text) : swapEnglishPronouns(text)

/** "you" is "I" before a verb that shows it, else "me". */
const swapEnglishPronouns = (text: string): string =>
  text
    .replaceAll('’', "'")
    .replace(PRONOUNS, (word, subject?: string) =>
      subject ? 'I ' : (PRONOUN_SWAPS[word.toLowerCase()] ?? 'me'),
    )

const swapChinesePronouns = (text: string): string =>
  text.replace(/咱们|[我你您]/g, word => (word === '我' ? '你' : word === '咱们' ? '你们' : '我'))

/** As a sentence of its own, said to the person. */
export function toSecondPersonSentence(text: string): string {
  const said = toSecondPerson(text).replace(/[\s.。!！]+$/u, '')
  return containsChinese(text) ? `${said}。` : `${said.charAt(0).toUpperCase()}${said.slice(1)}.`
}

/** Whether somebody speaks of themself: other questions are no reason to look through what they told. */
export const isAboutOneself = (text: string): boolean =>
  /\b(?:i|my|me|mine|we|our|us)\b/i.test(text) || /[我咱]/u.test(text)
