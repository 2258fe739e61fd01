import * as z from 'zod'
import { LaresError } from '#shared/base/errors.ts'
import type { Language } from '#shared/contract/events/event-types.ts'
import { defineSkill } from '#shared/contract/skill.ts'
import { calculate } from './arithmetic.ts'
import { examples } from './examples.ts'
import { parseExpression } from './parse.ts'
import { type CalculationProblem, problemTexts } from './problems.ts'
import { formatQuantity } from './units.ts'

export default defineSkill({
  name: 'calculator',
  title: { en: 'a calculation', zh: '计算' },
  description: 'Calculates exactly and converts units.',
  examples,
  input: z.object({ expression: z.string().max(300).describe('e.g. 2^64, 5 kg to lb') }),
  read(text) {
    const expression = parseExpression(text)
    return expression === null ? null : { expression }
  },
  async run({ expression }, { language }) {
    const refuse = (problem: CalculationProblem) =>
      new LaresError('rejected', problemTexts[language][problem])
    // A model may ask in words too.
    const sum = parseExpression(expression) ?? expression
    const { isExact, value, unit } = await calculate(sum, refuse)
    const result = unit === undefined ? value : formatQuantity(value, unit, language)
    return {
      text: `${formatExpression(sum, language)} ${isExact ? '=' : '≈'} ${result}`,
      data: { expression: sum, result },
    }
  },
})

const QUANTITY = /(\d+(?:\.\d+)?) (mile\/hour|km\/hour|m\/s|(?!mod\b)[a-z]+(?:\^2)?)(?![a-z(])/gi

/** As people write it, so that they see how they were understood. Two asterisks would be read as Markdown. */
const formatExpression = (expression: string, language: Language): string =>
  expression
    .replace(/ to \S+$/, '')
    .replace(QUANTITY, (_, number: string, unit: string) => formatQuantity(number, unit, language))
    .replace(/\s*\*\s*/g, ' × ')
    .replace(/^\(([^()]*)\)$/, '$1')
