import type { LanguagePack } from '#shared/language/pack.ts'
import type { CalculatorLanguage } from '#shared/language/skill-language.ts'
import { findUnit } from './units.ts'

type Readers = readonly LanguagePack[]

const DEGREE_SIGN = /°(?=\s*(?:c|f)\b)\s*/g
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:\s*/\s*\d+)?个?`

/**
 * The expression of a conversion: "10 miles to km", "how many grams are in 2 pounds", 10公里是多少英里. Undefined when the
 * text is not a conversion between known units.
 */
export function parseConversion(text: string, readers: Readers): string | undefined {
  for (const { calculator } of readers) {
    const normalised = (calculator.conversionReplacements ?? []).reduce(
      (said, [form, normal]) => said.replace(form, normal),
      text.replaceAll(',', '').replace(DEGREE_SIGN, '°'),
    )
    for (const form of conversionPatterns(calculator)) {
      const { amount, from, to } = form.exec(normalised)?.groups ?? {}
      const read = toConversion(amount, from, to, calculator, readers)
      if (read) return read
    }
  }
  return undefined
}

const patternCache = new WeakMap<CalculatorLanguage, RegExp[]>()

/** Patterns for conversions, with the amount in digits or in a word of the language. */
function conversionPatterns(language: CalculatorLanguage): RegExp[] {
  const known = patternCache.get(language)
  if (known) return known
  const words = Object.keys(language.amounts).sort((a, b) => b.length - a.length)
  const amount = `(?<amount>${[NUMBER, ...words].join('|')})`
  const patterns = language.conversions.map(form => new RegExp(form.replace('AMOUNT', amount)))
  patternCache.set(language, patterns)
  return patterns
}

function toConversion(
  amount: string | undefined,
  from: string | undefined,
  to: string | undefined,
  { amounts }: CalculatorLanguage,
  readers: Readers,
): string | undefined {
  if (!amount || !from || !to) return undefined
  const number = Object.hasOwn(amounts, amount) ? amounts[amount]! : amount.replace('个', '')
  const source = toQuantity(number, from, readers)
  const target = findUnit(to, readers)
  return source && target ? `${source} to ${target}` : undefined
}

/** The quantity as an expression. "5 feet 10 inches" is a sum of two. */
function toQuantity(amount: string, words: string, readers: Readers): string | undefined {
  const unit = findUnit(words, readers)
  if (unit) return `${amount} ${unit}`
  const [, first, second, rest] = /^(.+?)(?: \p{L}{1,3})? ?(\d+(?:\.\d+)?) ?(.+)$/u.exec(words) ?? []
  const [one, other] = [first && findUnit(first, readers), rest && findUnit(rest, readers)]
  return one && other ? `(${amount} ${one} + ${second} ${other})` : undefined
}
