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

/** Longer words come first, so that "six" does not match in "sixty". */
const WORD = [...UNITS, ...TENS, ...Object.keys(SCALES)].sort((a, b) => b.length - a.length).join('|')
const ENGLISH_NUMERAL = new RegExp(
  `\\b(?:a (?=hundred|thousand|million))?(?:${WORD})(?:(?:[\\s-]+| and )(?:${WORD}))*\\b`,
  'gi',
)
const DECIMAL_POINT = /(\d+) point (\d(?: \d)*)\b/gi

/** Rewrites number words as digits: "two hundred and five" becomes "205", "three point five" 3.5. */
export function numeralsToDigits(text: string): string {
  return text
    .replace(ENGLISH_NUMERAL, words => parseEnglishNumbers(words.toLowerCase().match(new RegExp(WORD, 'g'))!))
    .replace(DECIMAL_POINT, (_, whole: string, digits: string) => `${whole}.${digits.replaceAll(' ', '')}`)
}

/** Words that do not combine are several numbers: "two three" is "2 3", "twenty five" is "25". */
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
