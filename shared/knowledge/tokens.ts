import { containsChinese } from '../language/detection.ts'

const STOP_WORDS = new Set(
  `a an the is are am was were be been do does did to of in on at for and or with about that this it its i me my mine
   you your yours we us our what whats which who whose when where how tell know remember please can could would will
   again say said have has had got there's so now i'm im`.split(/\s+/),
)
const STOP_CHARACTERS = /[我你您的是在了吗呢吧啊么请问什哪里儿谁多少几个和就也都还有对说知道告诉]/gu

/** Crude, but the same on both sides: "likes", "liked" and "like" become one. */
const stem = (word: string): string =>
  word.length > 4 ? word.replace(/(?:'s|ies|ing|ed|es|s|e)$/, '') : word.replace(/(?:'s|e)$/, '')

const contentTokens = (text: string): string[] =>
  (
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .replace(/favorite/g, 'favourite')
      .replace(/color/g, 'colour')
      .match(/[\p{Script=Latin}\p{N}][\p{Script=Latin}\p{N}']*/gu) ?? []
  ).filter(word => !STOP_WORDS.has(word))

/** The English words that carry meaning, as stems; "called" and "named" count as "name". */
export const contentWords = (text: string): string[] => [
  ...new Set(contentTokens(text).map(word => (/^(?:called|named)$/.test(word) ? 'nam' : stem(word)))),
]

/** The Chinese characters that carry meaning, in order; 叫 counts as 名字. */
export const contentCharacters = (text: string): string =>
  [...text.replaceAll('叫什么名字', '叫').replaceAll('叫', '名字').replace(STOP_CHARACTERS, '')]
    .filter(containsChinese)
    .join('')

/** What to search for: only what carries meaning, else every memory would share "my" and "is" with every question. */
export function toSearchQuery(text: string): string {
  const words = contentTokens(text)
  words.push(...words.map(word => word.replace('favourite', 'favorite').replace('colour', 'color')))
  const characters = contentCharacters(text)
  if (words.some(word => stem(word) === 'nam')) words.push('called', 'named')
  return [...words, characters, characters.includes('名字') ? '叫' : ''].join(' ')
}

/** Whether two texts have something to do with each other: one English word or two neighbouring Chinese characters. */
export function shareContent(a: string, b: string): boolean {
  const words = contentWords(a)
  if (contentWords(b).some(word => words.includes(word))) return true
  const characters = contentCharacters(a)
  return bigrams(contentCharacters(b)).some(pair => characters.includes(pair))
}

const bigrams = (text: string): string[] =>
  text.length === 1
    ? [text]
    : Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2))
