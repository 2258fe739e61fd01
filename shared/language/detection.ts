import type { Language } from '../contract/events/event-types.ts'

const HAN = /\p{Script=Han}/gu
const WORD = /[\p{L}\p{N}]+/gu

/** Whether any of it is in Chinese characters. */
export const containsChinese = (text: string): boolean => /\p{Script=Han}/u.test(text)

/** The language to answer in: Chinese when a text has at least as many Chinese characters as other words. */
export function detectLanguage(text: string): Language {
  const han = text.match(HAN)?.length ?? 0
  if (han === 0) return 'en'
  const otherWords = text.replace(HAN, ' ').match(WORD)?.length ?? 0
  return han >= otherWords ? 'zh' : 'en'
}
