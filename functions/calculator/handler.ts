import * as z from 'zod'
import { LaresError } from '../../shared/errors.ts'
import { defineSkill } from '../../shared/function/skill.ts'
import { calculate } from './arithmetic.ts'
import { examples } from './examples.ts'
import { type Problem, problems } from './problems.ts'
import { readSum } from './reading.ts'

export default defineSkill({
  name: 'calculator',
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
    const { isExact, value } = await calculate(sum, refuse)
    return { text: `${shown(sum)} ${isExact ? '=' : '≈'} ${value}`, data: { expression: sum, value } }
  },
})

/** As people write it, so that they see how they were understood. Two asterisks would be read as Markdown. */
const shown = (sum: string): string => sum.replace(/\s*\*\s*/g, ' × ').replaceAll('deg', '°')
