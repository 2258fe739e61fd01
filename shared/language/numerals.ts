const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const SCALES: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1_000,
  million: 1_000_000,
  billion: 1_000_000_000,
}
const SMALL_NUMBERS = new Map([
  ...UNITS.map((word, value) => [word, value] as const),
  ...TENS.map((word, at) => [word, (at + 2) * 10] as const),
])

const WORD = [...UNITS, ...TENS, ...Object.keys(SCALES)].join('|')
const ENGLISH_NUMERAL = new RegExp(
  `\\b(?:a (?=hundred|thousand|million))?(?:${WORD})(?:(?:[\\s-]+| and )(?:${WORD}))*\\b`,
  'gi',
)
const DECIMAL_POINT = /(\d+) point (\d(?: \d)*)\b/gi

/** Writes number words as digits: "two hundred and five" becomes "205", "three point five" 3.5. */
export function englishNumeralsToDigits(text: string): string {
  return text
    .replace(ENGLISH_NUMERAL, words => parseEnglishNumbers(words.toLowerCase().match(new RegExp(WORD, 'g'))!))
    .replace(DECIMAL_POINT, (_, whole: string, digits: string) => `${whole}.${digits.replaceAll(' ', '')}`)
}

/** Words that do not go together are several numbers: "two three" is "2 3", "twenty five" is "25". */
function parseEnglishNumbers(words: string[]): string {
  const numbers: number[] = []
  let total = 0
  let part: number | undefined
  let nextBelow = Number.POSITIVE_INFINITY
  const pushNumber = () => {
    if (part !== undefined || total > 0) numbers.push(total + (part ?? 0))
    total = 0
    part = undefined
    nextBelow = Number.POSITIVE_INFINITY
  }
  for (const word of words) {
    const scale = SCALES[word]
    const small = SMALL_NUMBERS.get(word)
    if (scale === 100) {
      part = (part || 1) * 100
      nextBelow = 100
    } else if (scale !== undefined) {
      total += (part || 1) * scale
      part = undefined
      nextBelow = scale
    } else {
      if (small! >= nextBelow) pushNumber()
      part = (part ?? 0) + small!
      nextBelow = small! >= 20 ? 10 : 1
    }
  }
  pushNumber()
  return numbers.join(' ')
}

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

/** Writes Chinese numerals as digits: 三百零五 becomes 305, 二〇二六 2026, 三点五 3.5. */
export const chineseNumeralsToDigits = (text: string): string =>
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
      // 十五 is fifteen: the one before it is not said.
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
