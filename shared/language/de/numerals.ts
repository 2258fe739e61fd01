const UNITS = 'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf'.split(' ')
const TEENS: Readonly<Record<string, number>> = {
  dreizehn: 13,
  vierzehn: 14,
  fünfzehn: 15,
  sechzehn: 16,
  siebzehn: 17,
  achtzehn: 18,
  neunzehn: 19,
}
const TENS: Readonly<Record<string, number>> = {
  zwanzig: 20,
  dreißig: 30,
  dreissig: 30,
  vierzig: 40,
  fünfzig: 50,
  sechzig: 60,
  siebzig: 70,
  achtzig: 80,
  neunzig: 90,
}
const SMALL_NUMBERS = new Map<string, number>([
  ...UNITS.map((word, value) => [word, value] as const),
  ['ein', 1],
  ['zwo', 2],
  ...Object.entries(TEENS),
  ...Object.entries(TENS),
])
const MILLIONS: Readonly<Record<string, number>> = {
  million: 1_000_000,
  millionen: 1_000_000,
  milliarde: 1_000_000_000,
  milliarden: 1_000_000_000,
}

/** "einundzwanzig" */
function parseBelowHundred(word: string): number | undefined {
  const known = SMALL_NUMBERS.get(word)
  if (known !== undefined) return known
  const [, unit, ten] = /^(.+?)und(.+)$/.exec(word) ?? []
  const [one, tens] = [SMALL_NUMBERS.get(unit ?? ''), TENS[ten ?? '']]
  return one !== undefined && one < 10 && tens !== undefined ? one + tens : undefined
}

/**
 * The number before and after "hundert" or "tausend"; a missing one before counts as one, a missing one after as zero.
 */
function parseAround(
  word: string,
  scale: string,
  size: number,
  parse: (part: string) => number | undefined,
): number | undefined {
  const at = word.indexOf(scale)
  if (at < 0) return parse(word)
  const [before, after] = [word.slice(0, at), word.slice(at + scale.length).replace(/^und/, '')]
  const [many, rest] = [before === '' ? 1 : parse(before), after === '' ? 0 : parse(after)]
  return many === undefined || rest === undefined ? undefined : many * size + rest
}

const parseBelowThousand = (word: string): number | undefined =>
  parseAround(word, 'hundert', 100, parseBelowHundred)
const parseWord = (word: string): number | undefined =>
  parseAround(word, 'tausend', 1_000, parseBelowThousand)

const WORD = /\p{L}+/gu
const GROUPED_NUMBER = /(?<![\d.,])\d{1,3}(?:\.\d{3})+(?![\d.])/g
const DECIMAL_COMMA = /(?<![\d.,])(\d+),(\d+)(?![\d,])/g
const SPOKEN_COMMA = /(\d+) komma (\d(?: \d)*)/gi
const SPOKEN_MILLIONS = /(\d+(?:\.\d+)?) (million|millionen|milliarde|milliarden)(?: (\d+))?(?!\p{L})/giu

/** A one-word numeral in digits; articles are no numerals: "eine Milch" stays. */
function wordToDigits(word: string): string {
  const plain = word.toLowerCase()
  if (plain === 'ein') return word
  if (/^(?:anderthalb|eineinhalb)e?$/.test(plain)) return '1.5'
  const half = /^(.+)einhalb$/.exec(plain)?.[1]
  const number = parseWord(half ?? plain)
  return number === undefined ? word : String(number + (half === undefined ? 0 : 0.5))
}

/** Rewrites numerals as digits with a decimal point: "zweihundertfünf" is 205, "dreieinhalb" 3.5, "1.234,5" 1234.5. */
export const numeralsToDigits = (text: string): string =>
  text
    .replace(GROUPED_NUMBER, number => number.replaceAll('.', ''))
    .replace(DECIMAL_COMMA, '$1.$2')
    .replace(WORD, wordToDigits)
    .replace(SPOKEN_COMMA, (_, whole: string, digits: string) => `${whole}.${digits.replaceAll(' ', '')}`)
    .replace(/(?<!\p{L})eine (?=million|milliarde)/giu, '1 ')
    .replace(SPOKEN_MILLIONS, (_, many: string, scale: string, rest?: string) =>
      String(Number(many) * MILLIONS[scale.toLowerCase()]! + Number(rest ?? 0)),
    )
