import type { StoredMemory } from '#shared/knowledge/memories.ts'
import { packsReading } from '#shared/language/detection.ts'
import { toSecondPersonSentence } from './second-person.ts'

const MAX_SENTENCES = 5

/**
 * Answers a question about something that the person told, when the memories (the newest of each subject) clearly
 * contain it. Returns undefined when they do not, or when the answer takes more than repeating them.
 */
export function answerFrom(
  memories: readonly StoredMemory[],
  question: string,
  language?: string,
): string | undefined {
  const text = question.trim().replaceAll('’', "'")
  const [{ memory }] = packsReading(text, language)
  const found = memory.answer(memories, text)?.slice(0, MAX_SENTENCES)
  if (!found) return undefined
  const separators = found.map(one => packsReading(one.text, language)[0].memory.sentenceSeparator)
  // Sentences of a language without spaces stand together. Between others there is a space.
  const separator = separators.every(one => one === '') ? '' : ' '
  return found.map(one => toSecondPersonSentence(one.text, language)).join(separator)
}
