import { packsReading } from '#shared/language/detection.ts'
import { strip } from '#shared/language/fillers.ts'
import type { LanguagePack } from '#shared/language/pack.ts'
import type { CalculatorLanguage } from '#shared/language/skill-language.ts'
import { parseConversion } from './conversion.ts'

const MAX_TEXT_LENGTH = 300

type Readers = readonly [LanguagePack, ...LanguagePack[]]

/** The expression of the calculation in a text; null without one. `language`: of the conversation, as a tag. */
export function parseExpression(text: string, language?: string): string | null {
  if (text.length > MAX_TEXT_LENGTH) return null
  const readers = packsReading(text, language)
  const normalised = stripFillers(wordsToDigits(normaliseSymbols(text), readers), readers)
  const expression = parseConversion(normalised, readers) ?? parsePhrase(normalised, readers)
  return expression === undefined ? null : removeThousandsSeparators(expression)
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/**
 * Turns full-width signs into plain ones. Superscripts become powers here, because NFKC would make them digits of the
 * number.
 */
const normaliseSymbols = (text: string): string =>
  text
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, power => `^${[...power].map(digit => SUPERSCRIPTS.indexOf(digit)).join('')}`)
    .replace(/(\d)\s*([¼½¾⅓⅔])/g, '$1+$2')
    .replace(/[½¼¾⅓⅔]/g, fraction => `(${fraction.normalize('NFKC').replace('⁄', '/')})`)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/[×✕✖·∙⋅]|(?<=[\d)]\s*)[x*](?=\s*[\d(])/g, ' * ')
    .replace(/[÷⁄]/g, ' / ')
    .replace(/[−–—]/g, '-')
    .replaceAll('π', ' pi ')
    .replaceAll('√', ' sqrt ')
    .replace(/\*\*/g, '^')
    .replace(/\s+/g, ' ')
    .trim()

/** Replaces numbers in words by digits, and multiplies the scale words as in "3.5 million". */
const wordsToDigits = (text: string, readers: Readers): string => {
  const [{ calculator, numeralsToDigits }] = readers
  return numeralsToDigits(expandScales(calculator.normalise?.(text) ?? text, calculator.scales))
}

const expandScales = (text: string, { values, pattern }: CalculatorLanguage['scales']): string =>
  text.replace(pattern, (_, number: string, places: string) => {
    const all = places.match(/\p{Script=Latin}+|[^\p{Script=Latin}\s]/gu) ?? []
    const scale = all.reduce((product, place) => product * values[place]!, 1)
    return String(Number((Number(number) * scale).toPrecision(15)))
  })

/** Removes filler words around a calculation. */
const stripFillers = (text: string, readers: Readers): string =>
  strip(
    text,
    readers.flatMap(({ calculator }) => calculator.leadingFillers),
    readers.flatMap(({ calculator }) => calculator.trailingFillers),
  )

const NUMBER = String.raw`(?:\d+(?:\.\d+)?|\.\d+)`
const TERM = String.raw`(${NUMBER}|pi|\([^()]*\))`
const termPattern = lazyByKey(
  (form: string): RegExp => new RegExp(form.replaceAll('TERM', TERM).replaceAll('NUMBER', NUMBER), 'g'),
)
/** Splits the list after the match, because a pattern for its parts would take forever on a text made for it. */
const listPattern = lazyByKey((form: string): RegExp => new RegExp(`^${form.replace('LIST', '(.+)')}$`))

/** Creates each pattern at its first use. */
function lazyByKey(make: (form: string) => RegExp): (form: string) => RegExp {
  const made = new Map<string, RegExp>()
  return form => {
    const pattern = made.get(form) ?? make(form)
    made.set(form, pattern)
    return pattern
  }
}

/** The syntax of an expression after its words are replaced. */
const EXPRESSION_SYNTAX =
  /^(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+|[-+*/^()!%,\s]|\b(?:mod|sqrt|cbrt|abs|round|floor|ceil|exp|log(?:10|2)?|a?sin|a?cos|a?tan|min|max|sum|mean|median|gcd|lcm|factorial|pi|tau|phi|e|deg)\b)+$/

function parsePhrase(text: string, readers: Readers): string | undefined {
  for (const { calculator } of readers) {
    const read = parseList(text, calculator, readers) ?? parseTemplate(text, calculator, readers)
    if (read !== undefined) return read
  }
  const sum = replaceWords(text, readers)
  return sum !== undefined && isExpression(sum) ? sum : undefined
}

function parseList(text: string, { lists }: CalculatorLanguage, readers: Readers): string | undefined {
  for (const [form, operation] of lists) {
    const list = listPattern(form).exec(text)?.[1]
    const operands = list && splitList(list, readers).map(part => toOperand(part, readers))
    if (operands && operands.length > 1 && operands.every(part => part !== undefined))
      return operation === 'mean' ? `mean(${operands.join(', ')})` : operands.join(` ${operation} `)
  }
  return undefined
}

const splitList = (list: string, readers: Readers): string[] =>
  readers.reduce(
    (parts, { calculator }) => parts.flatMap(part => part.split(calculator.listSeparator)),
    [list],
  )

function parseTemplate(
  text: string,
  { templates }: CalculatorLanguage,
  readers: Readers,
): string | undefined {
  for (const [form, sum] of templates) {
    const [, first, second] = form.exec(text) ?? []
    const [a, b] = [first && toOperand(first, readers), second && toOperand(second, readers)]
    if (a && b) return sum.replace('$1', a).replace('$2', b)
  }
  return undefined
}

/** An expression that is safe beside an operator: a single operand, or one in brackets. */
function toOperand(text: string, readers: Readers): string | undefined {
  const expression = replaceWords(text.trim(), readers)
  return expression === undefined || /^[\d.]+%?$|^\w+\([^()]*\)$/.test(expression)
    ? expression
    : `(${expression})`
}

function replaceWords(text: string, readers: Readers): string | undefined {
  let expression = text
  for (const [form, sign] of readers.flatMap(({ calculator }) => calculator.replacements))
    expression = expression.replace(typeof form === 'string' ? termPattern(form) : form, sign)
  expression = expression.replace(/\s+/g, ' ').trim()
  return EXPRESSION_SYNTAX.test(expression) && /\d|pi|\be\b/.test(expression) ? expression : undefined
}

/** A number alone, a date or a telephone number is not a calculation. */
const isExpression = (expression: string): boolean =>
  /[-+*/^!%(]|\bmod\b/.test(expression) &&
  !/[\d)] +[\d.]|\b0\d/.test(expression) &&
  !/^-?[\d.,\s]+%?$/.test(expression) &&
  !/^\d{4}-\d{1,2}-\d{1,2}$|^\d{1,2}\/\d{1,2}\/\d{2,4}$|^\+\d[\d\s-]{6,}$/.test(expression)

/** Removes the commas of "1,234". In the brackets of a function commas separate numbers. */
const removeThousandsSeparators = (expression: string): string =>
  /[a-z]\(/.test(expression) ? expression : expression.replace(/(?<=\d),(?=\d{3}(?!\d))/g, '')
