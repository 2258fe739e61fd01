import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestKit, type SkillRequestOptions, type TestKit } from '#shared/host/test-kit.ts'
import { packs } from '#shared/language/packs.ts'
import { chineseUtterances, englishUtterances } from '../../intent/development-set.fixture.ts'
import calculator from './handler.ts'

let kit: TestKit
beforeAll(async () => {
  kit = await openTestKit()
})
afterAll(() => kit.close())

const answer = async (text: string, options?: SkillRequestOptions) =>
  (await kit.ask(calculator, text, options)).text

describe('asked in words', () => {
  it.each([
    ['what is 12.5% of 8640?', '12.5% × 8640 = 1080'],
    ['0.1 + 0.2', '0.1 + 0.2 = 0.3'],
    ['7 x 8', '7 × 8 = 56'],
    ['７×８＝？', '7 × 8 = 56'],
    ['5²', '5^2 = 25'],
    ['√144', 'sqrt(144) = 12'],
    ['10 / 3', '10 / 3 ≈ 3.33333333333333'],
    ['hey, whats 23 * 19?', '23 × 19 = 437'],
    ['can you tell me how much 144/12 is?', '144/12 = 12'],
    ['what is 2 to the 10th?', '2^10 = 1024'],
    ['twenty five times four', '25 × 4 = 100'],
    ['1.5 million times 2', '1500000 × 2 = 3000000'],
    ['1,234 + 5,678', '1234 + 5678 = 6912'],
    ['how much is a third of 90', '1/3 × 90 = 30'],
    ['what is 3/4 of 200?', '3/4 × 200 = 150'],
    ['20% off 80', '80 - 80 × 20% = 64'],
    ['what is 80 minus 25%', '80 - 25% = 60'],
    ['what percent of 80 is 20?', '20 / 80 × 100 = 25'],
    ['30 is what percent of 120?', '30 / 120 × 100 = 25'],
    ['tip of 18% on $64.50', '18% × 64.50 = 11.61'],
    ['average of 4, 8 and 15', 'mean(4, 8, 15) = 9'],
    ['what is the difference between 100 and 37?', '100 - 37 = 63'],
    ['what do I get when I subtract 18 from 77', '77 - 18 = 59'],
    ['remainder of 17 divided by 5', '17 mod 5 = 2'],
    ['minus 4 times 3', '-4 × 3 = -12'],
    ["what's the cube root of 27", 'cbrt(27) = 3'],
    ['9 squared plus 16', '9^2 + 16 = 97'],
    ['sin(30 deg)', 'sin(30°) = 0.5'],
    ['5!', '5! = 120'],
    ['calulate 12*12', '12 × 12 = 144'],
    ['waht is 8*9', '8 × 9 = 72'],
    ['what is 12 加 30', '12 + 30 = 42'],
    ['8640的12.5%是多少', '12.5% × 8640 = 1080'],
    ['三加五等于几', '3 + 5 = 8'],
    ['81 的平方根是多少', 'sqrt(81) = 9'],
    ['请问 12 乘 12 等于多少', '12 × 12 = 144'],
    ['三百二十一加一百二十三', '321 + 123 = 444'],
    ['１００÷４', '100 / 4 = 25'],
    ['百分之十五的两百是多少', '15% × 200 = 30'],
    ['两百块的百分之十五是多少', '15% × 200 = 30'],
    ['250打8折', '250 × (8/10) = 200'],
    ['3万加5千', '30000 + 5000 = 35000'],
    ['四分之三加二分之一', '(3/4) + (1/2) = 1.25'],
    ['帮我算下 15*16 吧', '15 × 16 = 240'],
  ])('"%s" is answered with "%s"', async (text, expected) => {
    expect(await answer(text)).toBe(expected)
  })

  it.each([
    ['10 miles to km', '10 miles = 16.09344 km'],
    ['how many feet in a mile', '1 mile = 5280 feet'],
    ['convert 5 foot 10 inches to cm', '5 feet + 10 inches = 177.8 cm'],
    ['72 f in c', '72 °F ≈ 22.222222 °C'],
    ['60 mph to km/h', '60 mph = 96.56064 km/h'],
    ['how tall is 6 feet in cm', '6 feet = 182.88 cm'],
    ['5千克等于多少磅', '5公斤 ≈ 11.023113磅'],
    ['一英里有多少公里？', '1英里 = 1.609344公里'],
    ['摄氏30度等于华氏多少度', '30摄氏度 = 86华氏度'],
    ['半斤是多少克', '0.5斤 = 250克'],
    ['三亩是多少平方米', '3亩 = 2000平方米'],
  ])('"%s" is converted: %s', async (text, expected) => {
    expect(await answer(text)).toBe(expected)
  })

  it('reads all its examples', async () => {
    for (const text of packs.flatMap(({ calculator: { examples } }) => examples))
      expect(await kit.ask(calculator, text), text).toMatchObject({ status: 'ok' })
  })

  it.each([
    '42',
    '2026-03-27',
    '27/3/2026',
    '+49 30 1234567',
    '555-0199',
    'what is 100 usd in euro',
    '5 apples plus 3 apples',
    'chapter 4 of 12',
    '一打是多少',
  ])('declines "%s"', async text => {
    expect(await kit.ask(calculator, text)).toMatchObject({ status: 'declined' })
  })

  it('declines whatever is no sum', async () => {
    for (const text of [englishUtterances, chineseUtterances].flatMap(({ none, time, reminder, notes }) => [
      ...none,
      ...time,
      ...reminder,
      ...notes,
    ]))
      expect(await kit.ask(calculator, text), text).toMatchObject({ status: 'declined' })
  })
})

describe('asked by a model', () => {
  const calculated = (expression: string) => kit.ask(calculator, 'hm', { input: { expression } })

  it.each([
    ['2^64', '18446744073709551616'],
    ['12.5% of 8640', '1080'],
    ['1/3*3', '1'],
    ['50% + 2', '2.5'],
    ['200 - 10% * 50', '195'],
    ['100 + 10% + 5', '115'],
    ['2**8', '256'],
    ['sin(pi)', '0'],
    ['log(100, 10) + max(1, 2, 3)', '5'],
    ['9007199254740993 + 2', '9007199254740995'],
    ['100!', /^9332621544394415268\d{139}$/],
    ['3^700', '9.65780214059176 × 10^333'],
    ['10 miles to km', '16.09344 km'],
  ])('%s is %s', async (expression, expected) => {
    const { status, data } = await calculated(expression)
    expect(status).toBe('ok')
    expect((data as { result: string }).result).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
  })

  it.each([
    ['1/0', 'divided by zero'],
    ['0^-1', 'divided by zero'],
    ['5 mod 0', 'divided by zero'],
    ['sqrt(-4)', 'no answer among the real numbers'],
    ['9^9^9^9', 'too large'],
    ['1e999999999', 'too large'],
    ['sin(1e900)', 'too large'],
    ['5000!', 'too large'],
    [`${'9^'.repeat(80)}9`, 'too large'],
    ['1+'.repeat(140), 'cannot read'],
    ['('.repeat(299), 'cannot read'],
    ['5 kg to m', 'do not go together'],
    ['5 kg + 2', 'do not go together'],
    ['((1+2)*3', 'cannot read'],
    ['hello', 'cannot read'],
  ])('%s is refused: %s', async (expression, problem) => {
    expect(await calculated(expression)).toMatchObject({
      status: 'failed',
      text: expect.stringContaining(problem),
    })
  })

  it('carries out nothing but sums', async () => {
    for (const expression of [
      'import("fs")',
      'evaluate("1+1")',
      'parse("2")',
      'createUnit("evil")',
      'f(x) = x^2',
      'x = 5; x',
      '[1, 2, 3]',
      '{a: 1}',
      'cos.constructor("return process")()',
      '"a".constructor',
      'ones(10000, 10000)',
      'range(1, 1e9)',
      'config({})',
      'random()',
      '1:1000000000',
      'true ? 1 : 2',
      '__proto__',
      'constructor',
    ])
      expect(await calculated(expression), expression).toMatchObject({ status: 'failed' })
  })

  it('takes no longer for what was made to take long', async () => {
    await calculated('1+1')
    for (const expression of [
      '9^9^9',
      '(1.0000001^9999)^9999',
      `${'sqrt('.repeat(40)}2${')'.repeat(40)}`,
      '400!^2',
    ]) {
      const started = performance.now()
      await calculated(expression)
      expect(performance.now() - started, expression).toBeLessThan(5_000)
    }
  })

  it('reads what was made to take long as quickly', async () => {
    for (const part of [
      '1 and ',
      '和1',
      '(1',
      '1 is 1 ',
      'what is ',
      '5 kg 6 ',
      'sqrt 1 ',
      '1% of ',
      '的',
      ' ',
    ]) {
      const started = performance.now()
      await kit.ask(calculator, part.repeat(300 / part.length))
      expect(performance.now() - started, part).toBeLessThan(1_000)
    }
  })

  it('refuses in the language of the person', async () => {
    expect(await answer('1/0', { language: 'zh' })).toBe('不能除以零。')
  })
})
