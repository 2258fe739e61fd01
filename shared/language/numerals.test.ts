import { describe, expect, it } from 'vitest'
import { numeralsToDigits as englishNumeralsToDigits } from './en/numerals.ts'
import { numeralsToDigits as chineseNumeralsToDigits } from './zh/numerals.ts'

describe('number words', () => {
  it.each([
    ['twenty-five times four', '25 times 4'],
    ['two hundred and five', '205'],
    ['a hundred divided by eight', '100 divided by 8'],
    ['one thousand two hundred thirty four', '1234'],
    ['three million', '3000000'],
    ['three point five', '3.5'],
    ['one two three', '1 2 3'],
    ['nobody is at home', 'nobody is at home'],
    ['someone', 'someone'],
  ])('"%s" becomes "%s"', (text, digits) => {
    expect(englishNumeralsToDigits(text)).toBe(digits)
  })

  it.each([
    ['三十五乘以四', '35乘以4'],
    ['十五', '15'],
    ['一百', '100'],
    ['三百零五', '305'],
    ['两千', '2000'],
    ['一万二千三百四十五', '12345'],
    ['三亿', '300000000'],
    ['二〇二六年', '2026年'],
    ['三点五', '3.5'],
  ])('%s becomes %s', (text, digits) => {
    expect(chineseNumeralsToDigits(text)).toBe(digits)
  })
})
