import type { BigNumber, MathJsInstance, MathNode, Unit } from 'mathjs'
import { LaresError } from '#shared/base/errors.ts'
import type { CalculationProblem } from '#shared/language/skill-language.ts'
import { customUnits } from './units.ts'

/** The digits of a calculation, and how many of them are reliable. */
const PRECISION = 220
const TRUSTED_DIGITS = 200
/** The shown digits of a number without an end. */
const SHOWN_DIGITS = 15
/** Nobody measures more precisely. */
const SHOWN_DIGITS_WITH_UNIT = 8
const MAX_DECIMALS = 30
const MAX_LENGTH = 500
const MAX_NODES = 200
/** The limit on every intermediate value, as a power of ten. */
const MAX_MAGNITUDE = 1_000
const MAX_EXPONENT = 10_000
const MAX_FACTORIAL = 400

const OPERATORS = new Set('add subtract multiply divide pow mod factorial unaryMinus unaryPlus to'.split(' '))
const FUNCTIONS = new Set(
  `sqrt cbrt abs round floor ceil exp log log10 log2 sin cos tan asin acos atan min max sum mean median gcd lcm mod pow
   factorial`.split(/\s+/),
)
const CONSTANTS = new Set(['pi', 'e', 'tau', 'phi'])

type Value = BigNumber | Unit
type ProblemToError = (problem: CalculationProblem) => LaresError
type Operation = (...values: Value[]) => unknown
type MathJs = MathJsInstance & Record<string, Operation>

/** `unit`: the library's name of the unit. */
export type CalculationResult = { isExact: boolean; value: string; unit?: string }

let loadedMath: Promise<MathJs> | undefined

/** The library takes some 300 ms to load, so the first calculation loads it. */
const loadMath = (): Promise<MathJs> =>
  (loadedMath ??= import('mathjs').then(({ create, all }) => {
    const math = create(all!, { number: 'BigNumber', precision: PRECISION })
    math.createUnit(customUnits)
    return math as MathJs
  }))

/**
 * The value of an expression of numbers, units, arithmetic and the functions above; it does not execute anything else.
 * Throws the result of `toError` for a problem. Takes milliseconds, whatever the expression.
 */
export async function calculate(expression: string, toError: ProblemToError): Promise<CalculationResult> {
  if (expression.length > MAX_LENGTH) throw toError('tooLarge')
  const math = await loadMath()
  try {
    return toResult(createEvaluator(math, toError)(math.parse(expandPercents(expression))), toError)
  } catch (error) {
    if (error instanceof LaresError) throw error
    const message = String(error)
    if (message.includes('DecimalError')) throw toError('tooLarge')
    throw toError(/\bunits?\b|dimension/i.test(message) ? 'units' : 'nonsense')
  }
}

/**
 * Rewrites percentages, because the library reads "50% + 2" as a remainder. A percentage is a hundredth. Added or
 * subtracted at the end of a sum, it is a share of the value before it, as on any pocket calculator.
 */
const expandPercents = (expression: string): string =>
  expression
    .replace(/^(.*[\d)]\s*[-+]\s*[\d.]+\s*%)(?=\s*[-+])/, '($1)')
    .replace(/([\d.]+)\s*%(?!\s*[\d(a-z])/gi, (percent, number: string, at: number, sum: string) => {
      const isAdded = /[\d)!]\s*[-+]\s*$/.test(sum.slice(0, at))
      const isLast = /^\s*(?:$|\))/.test(sum.slice(at + percent.length))
      return isAdded && isLast ? percent : `(${number}/100)`
    })

function createEvaluator(math: MathJs, toError: ProblemToError): (node: MathNode) => Value {
  const apply = (name: string, values: Value[]): Value => {
    checkOperands(name, values)
    const result = math[name]!(...values)
    if (math.isComplex(result)) throw toError('notReal')
    return requireRealNumber(result)
  }
  const checkOperands = (name: string, [first, second]: Value[]) => {
    if ((name === 'divide' || name === 'mod') && isZero(second)) throw toError('byZero')
    if (name === 'pow' && isZero(first) && math.isBigNumber(second) && second.lt(0)) throw toError('byZero')
    if (name === 'pow' && isLargePower(first, second)) throw toError('tooLarge')
    if (name === 'factorial' && math.isBigNumber(first) && first.gt(MAX_FACTORIAL)) throw toError('tooLarge')
  }
  const isZero = (value: Value | undefined) => math.isBigNumber(value) && value.isZero()
  const isLargePower = (base: Value | undefined, exponent: Value | undefined) =>
    math.isBigNumber(base) &&
    math.isBigNumber(exponent) &&
    (exponent.abs().gt(MAX_EXPONENT) || Math.abs(base.e + 1) * Math.abs(Number(exponent)) > 2 * MAX_MAGNITUDE)
  const requireRealNumber = (value: unknown): Value => {
    if (math.isUnit(value)) return value
    if (!math.isBigNumber(value)) throw toError('nonsense')
    if (value.isNaN()) throw toError('notReal')
    if (!value.isFinite() || Math.abs(value.e) > MAX_MAGNITUDE) throw toError('tooLarge')
    return value
  }
  const symbolValue = (name: string): Value => {
    if (CONSTANTS.has(name)) return math.evaluate(name) as BigNumber
    if (!math.Unit.isValuelessUnit(name)) throw toError('nonsense')
    return math.unit(name)
  }
  let nodeCount = 0
  const evaluateNode = (node: MathNode): Value => {
    if (++nodeCount > MAX_NODES) throw toError('tooLarge')
    if (math.isConstantNode(node))
      return requireRealNumber(typeof node.value === 'number' ? math.bignumber(node.value) : node.value)
    if (math.isParenthesisNode(node)) return evaluateNode(node.content)
    if (math.isSymbolNode(node)) return symbolValue(node.name)
    if (math.isOperatorNode(node) && OPERATORS.has(node.fn))
      return apply(node.fn, node.args.map(evaluateNode))
    if (math.isFunctionNode(node) && math.isSymbolNode(node.fn) && FUNCTIONS.has(node.fn.name))
      return apply(node.fn.name, node.args.map(evaluateNode))
    throw toError('nonsense')
  }
  return evaluateNode
}

function toResult(value: Value, toError: ProblemToError): CalculationResult {
  if (!('toNumeric' in value)) return toNumberResult(value, SHOWN_DIGITS)
  const unit = value.formatUnits()
  // A unit alone is not a calculation.
  if (value.value === null || unit === '') throw toError('nonsense')
  return { ...toNumberResult(value.toNumeric(unit) as unknown as BigNumber, SHOWN_DIGITS_WITH_UNIT), unit }
}

/** Rounds away the unreliable digits first, so that a third times three is a whole number again. */
function toNumberResult(value: BigNumber, shownDigits: number): CalculationResult {
  const number = value.toSignificantDigits(TRUSTED_DIGITS).toDecimalPlaces(TRUSTED_DIGITS)
  if (number.isInteger() && number.e < TRUSTED_DIGITS) return { isExact: true, value: number.toFixed() }
  const isExact = number.decimalPlaces() <= MAX_DECIMALS
  const rounded = isExact ? number : number.toSignificantDigits(shownDigits)
  return { isExact: isExact && number.e < TRUSTED_DIGITS, value: formatNumber(rounded) }
}

const formatNumber = (number: BigNumber): string =>
  Math.abs(number.e) < MAX_DECIMALS
    ? number.toFixed()
    : number
        .toSignificantDigits(SHOWN_DIGITS)
        .toExponential()
        .replace(/e\+?(-?\d+)/, ' × 10^$1')
