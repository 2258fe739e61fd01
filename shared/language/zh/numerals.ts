const DIGITS: Readonly<Record<string, number>> = {
  零: 0,
  〇: 0,
  一: 1,
  二: 2,
  两: 2,
  三: 3,
  四: 4,
  五: 5,
  六: 6,
  七: 7,
  八: 8,
  九: 9,
}
const PLACE_VALUES: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1_000 }
const MYRIADS: Readonly<Record<string, number>> = { 万: 10_000, 亿: 100_000_000 }
const CHINESE_NUMERAL = /[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?/g

/** Rewrites Chinese numerals as digits: 三百零五 becomes 305, 二〇二六 2026, 三点五 3.5. */
export const numeralsToDigits = (text: string): string =>
  text.replace(CHINESE_NUMERAL, numeral => {
    const [whole, decimals] = numeral.split('点') as [string, string?]
    return decimals === undefined
      ? parseChineseNumber(whole)
      : `${parseChineseNumber(whole)}.${digitByDigit(decimals)}`
  })

const digitByDigit = (digits: string): string => [...digits].map(digit => DIGITS[digit]).join('')

function parseChineseNumber(numeral: string): string {
  if (![...numeral].some(character => character in PLACE_VALUES || character in MYRIADS))
    return digitByDigit(numeral)
  let total = 0
  let section = 0
  let digit = 0
  for (const character of numeral) {
    if (character in DIGITS) digit = DIGITS[character]!
    else if (character in PLACE_VALUES) {
      // 十五 is fifteen: the one before 十 is left out.
      section += (digit || 1) * PLACE_VALUES[character]!
      digit = 0
    } else {
      total = (total + section + digit || 1) * MYRIADS[character]!
      section = 0
      digit = 0
    }
  }
  return String(total + section + digit)
}
