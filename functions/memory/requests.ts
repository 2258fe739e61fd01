import type { Fact } from '#shared/knowledge/memories.ts'
import { packsReading } from '#shared/language/detection.ts'
import type { LanguagePack } from '#shared/language/pack.ts'
import { contentCharacters, contentTokens, contentWords } from '#shared/language/words.ts'
import { parseRememberRequest } from './facts.ts'

/** A request to memory itself. */
export type MemoryRequest =
  | { kind: 'remember'; fact: Fact }
  | { kind: 'list' }
  | { kind: 'forget'; about: string }
  | { kind: 'forget-all' }
  /** Forget the sources of the last answer, or the facts of the last reply. */
  | { kind: 'forget-last' }
  /** Explain the sources of the last answer. */
  | { kind: 'why' }
  /** An earlier fact. `question` asks for it as for the fact that holds now. */
  | { kind: 'earlier'; question: string }

/** The request of a text to memory; undefined without one. `language`: of the conversation, as a tag. */
export function parseMemoryRequest(said: string, language?: string): MemoryRequest | undefined {
  const readers = packsReading(said, language)
  const text = said
    .trim()
    .replace(/[\s.。!！?？]+$/u, '')
    .replaceAll('’', "'")
  for (const { memory } of readers) {
    const { list, forgetLast, why, earlier } = memory.requests
    if (list.some(form => form.test(text))) return { kind: 'list' }
    if (forgetLast.some(form => form.test(text))) return { kind: 'forget-last' }
    if (why.some(form => form.test(text))) return { kind: 'why' }
    const before = earlier.find(([form]) => form.test(text))
    if (before) return { kind: 'earlier', question: `${text.replace(...before)}?` }
  }
  const forget = parseForgetRequest(text, readers)
  if (forget) return forget
  const fact = parseRememberRequest(said, language)
  return fact && { kind: 'remember', fact }
}

function parseForgetRequest(
  text: string,
  readers: readonly [LanguagePack, ...LanguagePack[]],
): MemoryRequest | undefined {
  const about = readers[0].memory.requests.forget
    .map(form => form.exec(text)?.[1])
    .find(found => found !== undefined)
    ?.trim()
  if (about === undefined) return undefined
  const isOther = readers.some(
    ({ memory: { requests } }) => requests.otherSkills.test(about) || requests.idiomaticForget.test(about),
  )
  if (isOther) return undefined
  if (readers.some(({ memory }) => memory.requests.everything.test(about))) return { kind: 'forget-all' }
  return contentTokens(about, readers).length > 0 ? { kind: 'forget', about } : undefined
}

/** Whether a memory contains all words of `about`. */
export const isAbout = (text: string, about: string, language?: string): boolean => {
  const readers = packsReading(about, language)
  const words = contentWords(text, readers)
  return (
    contentWords(about, readers).every(word => words.includes(word)) &&
    contentCharacters(text, readers).includes(contentCharacters(about, readers))
  )
}
