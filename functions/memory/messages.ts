import { packFor } from '#shared/language/packs.ts'
import { toSecondPerson, toSecondPersonSentence } from './second-person.ts'

const MAX_LISTED = 20

type ExplainedMemory = { text: string; saidAt: string; sources: { conversation: string; saidAt: string }[] }

/** The day of a time. It is precise enough to find the message again, whatever the person's time zone. */
const dayOf = (time: string): string => time.slice(0, 10)

const bulletList = (facts: string[], language: string, bullet = (_at: number) => '-'): string =>
  facts
    .slice(0, MAX_LISTED)
    .map((fact, at) => `${bullet(at)} ${toSecondPersonSentence(fact, language)}`)
    .join('\n')

/** A list for a choice by number or words. */
const numberedList = (facts: string[], language: string): string =>
  bulletList(facts, language, at => `${at + 1}.`)

/** When and where each was said, the newest first. */
const explanationList = (memories: ExplainedMemory[], conversation: string, language: string): string =>
  memories
    .slice(0, MAX_LISTED)
    .map(({ text, saidAt, sources }) => {
      const where = sources.map(source =>
        packFor(language).memory.phrases.source(dayOf(source.saidAt), source.conversation === conversation),
      )
      return `- ${toSecondPersonSentence(text, language)} (${[...new Set(where)].join('; ') || dayOf(saidAt)})`
    })
    .join('\n')

/** The texts of memory itself, in a language. */
export function messagesIn(language: string) {
  const { phrases } = packFor(language).memory
  return {
    ...phrases,
    remembered: (fact: string) => phrases.remembered(toSecondPerson(fact, language)),
    known: (facts: string[]) =>
      facts.length === 0
        ? phrases.nothingKnown
        : phrases.known(bulletList(facts, language), Math.max(0, facts.length - MAX_LISTED)),
    forgotten: (about: string) => phrases.forgotten(toSecondPerson(about, language)),
    whichToForget: (facts: string[]) => phrases.whichToForget(numberedList(facts, language)),
    because: (memories: ExplainedMemory[], conversation: string) =>
      phrases.because(explanationList(memories, conversation, language)),
    earlier: (answer: string, until: string) => phrases.earlier(answer, dayOf(until)),
  }
}
