import { packsReading } from '../language/detection.ts'
import { contentCharacters, contentWords, plainContentWords } from '../language/words.ts'

/**
 * The words to search for. Only words that carry meaning count: otherwise every memory would share "my" and "is" with
 * every question.
 */
export function toSearchQuery(text: string, language?: string): string {
  const readers = packsReading(text, language)
  const words = plainContentWords(text, readers)
  const characters = contentCharacters(text, readers)
  const variants = readers.flatMap(({ words: rules }) => [
    ...(rules.searchVariants?.(words) ?? []),
    ...(rules.characterVariants?.(characters) ?? []),
  ])
  return [...words, characters, ...variants].join(' ')
}

/** Whether two texts have content in common: one word, or two neighbouring characters of a script without spaces. */
export function shareContent(a: string, b: string): boolean {
  const readers = packsReading(`${a}\n${b}`)
  const words = contentWords(a, readers)
  if (contentWords(b, readers).some(word => words.includes(word))) return true
  const characters = contentCharacters(a, readers)
  return bigrams(contentCharacters(b, readers)).some(pair => characters.includes(pair))
}

/** Pairs of neighbouring characters, each once; a single character stays alone. */
export const bigrams = (text: string): string[] =>
  text.length === 1
    ? [text]
    : [...new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2)))]
