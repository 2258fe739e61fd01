import * as z from 'zod'
import { LaresError } from '#shared/base/errors.ts'
import type { Language } from '#shared/contract/events/event-types.ts'
import { defineSkill } from '#shared/contract/skill.ts'
import { calculate } from './arithmetic.ts'
import { examples } from './examples.ts'
import { readSum } from './parse.ts'
import { type Problem, problems } from './problems.ts'
import { measured } from './units.ts'

export default defineSkill({
  name: 'calculator',
  title: { en: 'a calculation', zh: '计算' },
  description: 'Calculates exactly and converts units.',
  examples,
  input: z.object({ expression: z.string().max(300).describe('e.g. 2^64, 5 kg to lb') }),
  read(text) {
    const expression = readSum(text)
    return expression === null ? null : { expression }
  },
  async run({ expression }, { language }) {
    const refuse = (problem: Problem) => new LaresError('rejected', problems[language][problem])
    // A model may ask in words too.
    const sum = readSum(expression) ?? expression
    const { isExact, value, unit } = await calculate(sum, refuse)
    const result = unit === undefined ? value : measured(value, unit, language)
    return {
      text: `${shown(sum, language)} ${isExact ? '=' : '≈'} ${result}`,
      data: { expression: sum, result },
    }
  },
})

const MEASURE = /(\d+(?:\.\d+)?) (mile\/hour|km\/hour|m\/s|(?!mod\b)[a-z]+(?:\^2)?)(?![a-z(])/gi

/** As people write it, so that they see how they were understood. Two asterisks would be read as Markdown. */
const shown = (sum: string, language: Language): string =>
  sum
    .replace(/ to \S+$/, '')
    .replace(MEASURE, (_, number: string, unit: string) => measured(number, unit, language))
    .replace(/\s*\*\s*/g, ' × ')
    .replace(/^\(([^()]*)\)$/, '$1')
