import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chinese, english } from '../intent/development-set.ts'
import { type AskOptions, type Kit, openKit } from '../test-kit.ts'
import { examples } from './examples.ts'
import calculator from './handler.ts'

let kit: Kit
beforeAll(async () => {
  kit = await openKit()
})
afterAll(() => kit.close())

const answer = async (text: string, options?: AskOptions) => (await kit.ask(calculator, text, options)).text

describe('the calculator', () => {
  it.each([
    ['what is 12.5% of 8640?', '12.5% × 8640 = 1080'],
    ['0.1 + 0.2', '0.1 + 0.2 = 0.3'],
    ['10 miles to km', '10 mile to km = 16.09344 km'],
    ['8640的12.5%是多少', '12.5% × 8640 = 1080'],
    ['三加五等于几', '3 + 5 = 8'],
    ['81 的平方根是多少', 'sqrt(81) = 9'],
    ['10 / 3', '10 / 3 ≈ 3.33333333333333'],
  ])('answers "%s" with "%s"', async (text, expected) => {
    expect(await answer(text)).toBe(expected)
  })

  it.each([
    ['2^64', '18446744073709551616'],
    ['12.5% of 8640', '1080'],
    ['1/3*3', '1'],
    ['sqrt(16) + 5 kg', 'do not go together'],
  ])('takes the expression %s from a model', async (expression, expected) => {
    expect(await answer('hm', { input: { expression } })).toContain(expected)
  })

  it('reads all its examples', async () => {
    for (const text of examples) expect(await kit.ask(calculator, text), text).toMatchObject({ status: 'ok' })
  })

  it('declines whatever is no sum', async () => {
    for (const text of [english, chinese].flatMap(({ none, time, reminder, notes }) => [
      ...none,
      ...time,
      ...reminder,
      ...notes,
    ]))
      expect(await kit.ask(calculator, text), text).toMatchObject({ status: 'declined' })
  })
})
