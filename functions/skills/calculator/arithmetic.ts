import type { BigNumber, MathJsInstance, MathNode, Unit } from 'mathjs'
import { LaresError } from '#shared/base/errors.ts'
import type { Problem } from './problems.ts'
import { ownUnits } from './units.ts'

/** Digits that are reckoned with, and those of them that can be trusted. */
const PRECISION = 220
const TRUSTED = 200
/** What is shown of a number that goes on for ever. */
const SHOWN = 15
/** Nobody measures more closely. */
const SHOWN_OF_UNITS = 8
const MAX_DECIMALS = 30
const MAX_LENGTH = 500
const MAX_PARTS = 200
/** Of every number on the way, as a power of ten. */
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
type Refuse = (problem: Problem) => LaresError
type Operation = (...values: Value[]) => unknown
type Math = MathJsInstance & Record<string, Operation>

/** `unit` as the library calls it. */
export type Result = { isExact: boolean; value: string; unit?: string }

let loaded: Promise<Math> | undefined

/** The library takes some 300 ms to load, so it is loaded for the first sum. */
const load = (): Promise<Math> =>
  (loaded ??= import('mathjs').then(({ create, all }) => {
    const math = create(all!, { number: 'BigNumber', precision: PRECISION })
    math.createUnit(ownUnits)
    return math as Math
  }))

/**
 * The value of an expression of numbers, units, arithmetic and the functions above; nothing else in it is carried out.
 * Throws what `refuse` makes of the problem. Takes milliseconds, whatever the expression.
 */
export async function calculate(expression: string, refuse: Refuse): Promise<Result> {
  if (expression.length > MAX_LENGTH) throw refuse('tooLarge')
  const math = await load()
  try {
    return resultOf(evaluator(math, refuse)(math.parse(withPercents(expression))), refuse)
  } catch (error) {
    if (error instanceof LaresError) throw error
    const said = String(error)
    if (said.includes('DecimalError')) throw refuse('tooLarge')
    throw refuse(/\bunits?\b|dimension/i.test(said) ? 'units' : 'nonsense')
  }
}

/**
 * "50% + 2" would be a remainder to the library: a percentage is a hundredth, but one added or taken off at the end of a
 * sum is of what stands before it, as on any pocket calculator.
 */
const withPercents = (expression: string): string =>
  expression
    .replace(/^(.*[\d)]\s*[-+]\s*[\d.]+\s*%)(?=\s*[-+])/, '($1)')
    .replace(/([\d.]+)\s*%(?!\s*[\d(a-z])/gi, (percent, number: string, at: number, sum: string) => {
      const isAdded = /[\d)!]\s*[-+]\s*$/.test(sum.slice(0, at))
      const isLast = /^\s*(?:$|\))/.test(sum.slice(at + percent.length))
      return isAdded && isLast ? percent : `(${number}/100)`
    })

function evaluator(math: Math, refuse: Refuse): (node: MathNode) => Value {
  const apply = (name: string, values: Value[]): Value => {
    check(name, values)
    const result = math[name]!(...values)
    if (math.isComplex(result)) throw refuse('notReal')
    return sound(result)
  }
  const check = (name: string, [first, second]: Value[]) => {
    if ((name === 'divide' || name === 'mod') && isZero(second)) throw refuse('byZero')
    if (name === 'pow' && isZero(first) && math.isBigNumber(second) && second.lt(0)) throw refuse('byZero')
    if (name === 'pow' && isLargePower(first, second)) throw refuse('tooLarge')
    if (name === 'factorial' && math.isBigNumber(first) && first.gt(MAX_FACTORIAL)) throw refuse('tooLarge')
  }
  const isZero = (value: Value | undefined) => math.isBigNumber(value) && value.isZero()
  const isLargePower = (base: Value | undefined, exponent: Value | undefined) =>
    math.isBigNumber(base) &&
    math.isBigNumber(exponent) &&
    (exponent.abs().gt(MAX_EXPONENT) || Math.abs(base.e + 1) * Math.abs(Number(exponent)) > 2 * MAX_MAGNITUDE)
  const sound = (value: unknown): Value => {
    if (math.isUnit(value)) return value
    if (!math.isBigNumber(value)) throw refuse('nonsense')
    if (value.isNaN()) throw refuse('notReal')
    if (!value.isFinite() || Math.abs(value.e) > MAX_MAGNITUDE) throw refuse('tooLarge')
    return value
  }
  const named = (name: string): Value => {
    if (CONSTANTS.has(name)) return math.evaluate(name) as BigNumber
    if (!math.Unit.isValuelessUnit(name)) throw refuse('nonsense')
    return math.unit(name)
  }
  let parts = 0
  const reckon = (node: MathNode): Value => {
    if (++parts > MAX_PARTS) throw refuse('tooLarge')
    if (math.isConstantNode(node))
      return sound(typeof node.value === 'number' ? math.bignumber(node.value) : node.value)
    if (math.isParenthesisNode(node)) return reckon(node.content)
    if (math.isSymbolNode(node)) return named(node.name)
    if (math.isOperatorNode(node) && OPERATORS.has(node.fn)) return apply(node.fn, node.args.map(reckon))
    if (math.isFunctionNode(node) && math.isSymbolNode(node.fn) && FUNCTIONS.has(node.fn.name))
      return apply(node.fn.name, node.args.map(reckon))
    throw refuse('nonsense')
  }
  return reckon
}

function resultOf(value: Value, refuse: Refuse): Result {
  if (!('toNumeric' in value)) return numberOf(value, SHOWN)
  const unit = value.formatUnits()
  // A unit by itself is no sum.
  if (value.value === null || unit === '') throw refuse('nonsense')
  return { ...numberOf(value.toNumeric(unit) as unknown as BigNumber, SHOWN_OF_UNITS), unit }
}

/** Thirds times three are whole again: the digits that cannot be trusted are rounded away first. */
function numberOf(value: BigNumber, shown: number): Result {
  const number = value.toSignificantDigits(TRUSTED).toDecimalPlaces(TRUSTED)
  if (number.isInteger() && number.e < TRUSTED) return { isExact: true, value: number.toFixed() }
  const isExact = number.decimalPlaces() <= MAX_DECIMALS
  const rounded = isExact ? number : number.toSignificantDigits(shown)
  return { isExact: isExact && number.e < TRUSTED, value: written(rounded) }
}

const written = (number: BigNumber): string =>
  Math.abs(number.e) < MAX_DECIMALS
    ? number.toFixed()
    : number
        .toSignificantDigits(SHOWN)
        .toExponential()
        .replace(/e\+?(-?\d+)/, ' × 10^$1')
