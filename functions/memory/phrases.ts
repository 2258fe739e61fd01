import { sentenceTo, toSecondPerson } from './perspective.ts'

const MAX_LISTED = 20

const lines = (facts: string[]): string =>
  facts
    .slice(0, MAX_LISTED)
    .map(fact => `- ${sentenceTo(fact)}`)
    .join('\n')

/** What memory says for itself. */
export const phrases = {
  en: {
    remembered: (fact: string) => `I will remember that ${toSecondPerson(fact)}.`,
    known: (facts: string[]) =>
      facts.length === 0
        ? 'I know nothing about you yet. Tell me what to remember.'
        : `This is what I know about you:\n${lines(facts)}${
            facts.length > MAX_LISTED ? `\nand ${facts.length - MAX_LISTED} more.` : ''
          }`,
    forgotten: (about: string) => `I no longer remember anything about this: ${toSecondPerson(about)}.`,
    forgottenAll: 'I no longer remember anything about you.',
  },
  zh: {
    remembered: (fact: string) => `好的，我会记住：${toSecondPerson(fact)}。`,
    known: (facts: string[]) =>
      facts.length === 0
        ? '我还不知道关于你的任何事。告诉我要记住什么吧。'
        : `这是我知道的：\n${lines(facts)}${
            facts.length > MAX_LISTED ? `\n还有${facts.length - MAX_LISTED}条。` : ''
          }`,
    forgotten: (about: string) => `好的，我已经不记得这件事了：${toSecondPerson(about)}。`,
    forgottenAll: '好的，关于你的事我都不记得了。',
  },
} as const
