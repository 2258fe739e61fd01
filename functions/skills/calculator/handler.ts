import * as z from 'zod'
import { LaresError } from '#shared/base/errors.ts'
import { defineSkill } from '#shared/contract/skill/skill.ts'
import { byTag, packFor, packs } from '#shared/language/packs.ts'
import type { CalculationProblem } from '#shared/language/skill-language.ts'
import { calculate } from './arithmetic.ts'
import { parseExpression } from './parse.ts'
import { formatQuantity } from './units.ts'

export default defineSkill({
  name: 'calculator',
  title: byTag(({ calculator }) => calculator.title),
  description: 'Calculates exactly and converts units.',
  examples: packs.flatMap(({ calculator }) => calculator.examples),
  input: z.object({ expression: z.string().max(300).describe('e.g. 2^64, 5 kg to lb') }),
  read(text, { language }) {
    const expression = parseExpression(text, language)
    return expression === null ? null : { expression }
  },
  async run({ expression }, { language }) {
    const refuse = (problem: CalculationProblem) =>
      new LaresError('rejected', packFor(language).calculator.problems[problem])
    // A model may use words too. A bare expression has decimal points, whatever the language.
    const sum = parseExpression(expression) ?? expression
    const { isExact, value, unit } = await calculate(sum, refuse)
    const result = unit === undefined ? formatNumber(value, language) : formatQuantity(value, unit, language)
    return {
      text: `${formatExpression(sum, language)} ${isExact ? '=' : '≈'} ${result}`,
      data: { expression: sum, result },
    }
  },
})

const formatNumber = (number: string, language: string): string =>
  packFor(language).calculator.formatNumber?.(number) ?? number

const QUANTITY = /(\d+(?:\.\d+)?) (mile\/hour|km\/hour|m\/s|(?!mod\b)[a-z]+(?:\^2)?)(?![a-z(])/gi

/**
 * The expression as people write it, so that they see how the skill understood them. Markdown would interpret two
 * asterisks.
 */
const formatExpression = (expression: string, language: string): string =>
  expression
    .replace(/ to \S+$/, '')
    .replace(QUANTITY, (_, number: string, unit: string) => formatQuantity(number, unit, language))
    .replace(/\d+\.\d+/g, number => formatNumber(number, language))
    .replace(/\s*\*\s*/g, ' × ')
    .replace(/^\(([^()]*)\)$/, '$1')
