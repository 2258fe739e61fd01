import { describe, expect, it } from 'vitest'
import { detectLanguage } from './detection.ts'

describe('the language to answer in', () => {
  it.each([
    ['what time is it?', 'en'],
    ['', 'en'],
    ['12 + 30', 'en'],
    ['What does 你好 mean?', 'en'],
    ['现在几点？', 'zh'],
    ['8640 的 12.5% 是多少', 'zh'],
    ['提醒我 buy milk', 'zh'],
  ] as const)('of "%s" is %s', (text, language) => {
    expect(detectLanguage(text)).toBe(language)
  })
})
