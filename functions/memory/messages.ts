import { toSecondPerson, toSecondPersonSentence } from './second-person.ts'

const MAX_LISTED = 20

type ExplainedMemory = { text: string; saidAt: string; sources: { conversation: string; saidAt: string }[] }

/** A day is enough to find it again, whatever the clocks of the person say. */
const dayOf = (time: string): string => time.slice(0, 10)

/** When and where each was said, the newest first. */
const explanationList = (
  memories: ExplainedMemory[],
  conversation: string,
  formatSource: (day: string, isHere: boolean) => string,
): string =>
  memories
    .slice(0, MAX_LISTED)
    .map(({ text, saidAt, sources }) => {
      const where = sources.map(one => formatSource(dayOf(one.saidAt), one.conversation === conversation))
      return `- ${toSecondPersonSentence(text)} (${[...new Set(where)].join('; ') || dayOf(saidAt)})`
    })
    .join('\n')

const bulletList = (facts: string[], bullet = (_at: number) => '-'): string =>
  facts
    .slice(0, MAX_LISTED)
    .map((fact, at) => `${bullet(at)} ${toSecondPersonSentence(fact)}`)
    .join('\n')

/** To choose from, by number or words. */
const numberedList = (facts: string[]): string => bulletList(facts, at => `${at + 1}.`)

/** What memory says for itself. */
export const phrases = {
  en: {
    remembered: (fact: string) => `I will remember that ${toSecondPerson(fact)}.`,
    known: (facts: string[]) =>
      facts.length === 0
        ? 'I know nothing about you yet. Tell me what to remember.'
        : `This is what I know about you:\n${bulletList(facts)}${
            facts.length > MAX_LISTED ? `\nand ${facts.length - MAX_LISTED} more.` : ''
          }`,
    forgotten: (about: string) => `I no longer remember anything about this: ${toSecondPerson(about)}.`,
    forgottenAll: 'I no longer remember anything about you.',
    forgottenLast: 'I have forgotten it.',
    whichToForget: (facts: string[]) =>
      `My last answer came from more than one thing. Which one shall I forget?\n${numberedList(facts)}`,
    forgottenThose: 'I have forgotten them.',
    keptAll: 'All right, I forget none of them.',
    nothingUsed: 'My last answer came from nothing that you told me to remember.',
    forgottenSince: 'It came from something that I have forgotten since.',
    because: (memories: ExplainedMemory[], conversation: string) =>
      `Because of what you told me:\n${explanationList(
        memories,
        conversation,
        (day, isHere) => `on ${day}, in ${isHere ? 'this' : 'another'} conversation`,
      )}`,
    earlier: (answer: string, until: string) => `Until ${dayOf(until)} it was this: ${answer}`,
    noEarlier: 'I know of nothing that it was before.',
  },
  zh: {
    remembered: (fact: string) => `好的，我会记住：${toSecondPerson(fact)}。`,
    known: (facts: string[]) =>
      facts.length === 0
        ? '我还不知道关于你的任何事。告诉我要记住什么吧。'
        : `这是我知道的：\n${bulletList(facts)}${
            facts.length > MAX_LISTED ? `\n还有${facts.length - MAX_LISTED}条。` : ''
          }`,
    forgotten: (about: string) => `好的，我已经不记得这件事了：${toSecondPerson(about)}。`,
    forgottenAll: '好的，关于你的事我都不记得了。',
    forgottenLast: '好的，我已经忘掉了。',
    whichToForget: (facts: string[]) =>
      `我刚才的回答用到了不止一件事，要忘掉哪一件？\n${numberedList(facts)}`,
    forgottenThose: '好的，这些我都忘掉了。',
    keptAll: '好的，那就都留着。',
    nothingUsed: '我刚才的回答没有用到你让我记住的事。',
    forgottenSince: '那件事我后来已经忘掉了。',
    because: (memories: ExplainedMemory[], conversation: string) =>
      `因为你告诉过我：\n${explanationList(
        memories,
        conversation,
        (day, isHere) => `${day}，${isHere ? '在这个对话里' : '在另一个对话里'}`,
      )}`,
    earlier: (answer: string, until: string) => `${dayOf(until)}之前是这样：${answer}`,
    noEarlier: '我不知道它以前是什么。',
  },
} as const
