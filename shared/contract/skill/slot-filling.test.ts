import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import * as z from 'zod'
import { containsHan } from '../../language/script.ts'
import type { AnyFunction } from '../definition.ts'
import type { EventData, SkillRequest } from '../events/event-types.ts'
import { type FunctionTestBed, openFunctionTestBed, skillRequestEvent } from '../serve.fixture.ts'
import { defineSkill } from './skill.ts'

let testBed: FunctionTestBed
beforeEach(async () => {
  testBed = await openFunctionTestBed()
})
afterEach(() => testBed.close())

const bookingSkill = (input: z.ZodType = booking) =>
  defineSkill({
    name: 'parrot',
    description: 'Books a table.',
    examples: ['book a table'],
    input,
    run: given => JSON.stringify(given),
  })
const booking = z.object({
  when: z.iso.datetime(),
  guests: z
    .int()
    .min(1)
    .meta({ words: ['for', 'people', '位', '个人'], ask: { en: 'For how many?', zh: '几位？' } }),
})

type Result = EventData<'lares.result.returned'>

/**
 * Holds a conversation with a skill over HTTP, as the connector and dialog do: the state of its question comes back
 * with the next words.
 */
async function converse(skill: AnyFunction, ...texts: string[]): Promise<Result[]> {
  const served = await testBed.serve(skill)
  const results: Result[] = []
  for (const text of texts) {
    const asked = results.at(-1)?.asks?.asked
    const more: Partial<SkillRequest> = {
      // This day is a Friday.
      saidAt: '2026-03-27T09:00:00.000Z',
      timeZone: 'Europe/Berlin',
      language: containsHan(text) ? 'zh' : 'en',
      ...(asked && { asked }),
    }
    const [event] = await served.ask(skillRequestEvent(text, more))
    results.push(event!.data as Result)
  }
  return results
}

/** The outcome of the last text: the input of the skill's run, or its question. */
async function outcome(skill: AnyFunction, ...texts: string[]): Promise<unknown> {
  const last = (await converse(skill, ...texts)).at(-1)!
  if (last.status !== 'ok') return last.status
  return last.asks ? last.text : JSON.parse(last.text)
}

describe('everything at once', () => {
  it.each([
    ['book a table for four tomorrow at 8 pm', { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
    [
      'a table for 12 people next Tuesday at half past seven pm',
      { when: '2026-03-31T17:30:00.000Z', guests: 12 },
    ],
    ['明天晚上八点订一张四个人坐的桌子', { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
  ])('"%s"', async (text, input) => expect(await outcome(bookingSkill(), text)).toEqual(input))
})

describe('what is missing is asked for', () => {
  it.each([
    [['book a table'], 'When?'],
    [['book a table', 'tomorrow at 8 pm'], 'For how many?'],
    [['book a table', 'tomorrow at 8 pm', 'four'], { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
    [['book a table', 'tomorrow at 8 pm for four'], { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
    [['a table for four'], 'When?'],
    [['a table for four', 'tomorrow'], 'When?'],
    [['a table for four', 'tomorrow', 'at 8 pm'], { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
    [['a table for four', 'on Sunday', '20:00'], { when: '2026-03-29T18:00:00.000Z', guests: 4 }],
    [['订一张桌子'], '什么时候？'],
    [['订一张桌子', '明天晚上八点'], '几位？'],
    [['订一张桌子', '明天晚上八点', '四位'], { when: '2026-03-28T19:00:00.000Z', guests: 4 }],
  ])('%j', async (texts, expected) => expect(await outcome(bookingSkill(), ...texts)).toEqual(expected))

  test('and what is no answer is something else', async () => {
    expect(await outcome(bookingSkill(), 'book a table', 'what is the weather like?')).toBe('declined')
    expect(await outcome(bookingSkill(), 'book a table', 'x'.repeat(600))).toBe('declined')
  })
})

describe('each type and format', () => {
  const only = (field: z.ZodType) => bookingSkill(z.object({ field }))
  it.each<[z.ZodType, string, unknown]>([
    [z.iso.date(), 'the day after tomorrow', '2026-03-29'],
    [z.iso.date(), '下周二', '2026-03-31'],
    [z.iso.time().meta({ reads: 'time' }), 'wake me at 6:30 am', '06:30:00'],
    [z.iso.duration(), 'for an hour and a half', 'PT1H30M'],
    [z.iso.duration(), '两天半', expect.stringMatching(/^P2DT12H$/)],
    [z.number(), 'minus nothing, 3.5 please', 3.5],
    [z.int(), '二十三个', 23],
    [z.enum(['small', 'extra-large']), 'an extra large one', 'extra-large'],
    [z.enum(['red', 'blue']).meta({ words: { red: ['红'], blue: ['蓝'] } }), '要红色的', 'red'],
    [z.string().meta({ reads: 'place' }), 'the weather in New York tomorrow', 'New York'],
    [z.string().meta({ reads: 'place' }), 'weather in berlin tomorrow', 'berlin'],
    [z.string().meta({ reads: 'place' }), '我想在上海吃饭', '上海'],
    [z.string().meta({ reads: 'place' }), '明天北京天气怎么样', '北京'],
    [z.string().meta({ reads: 'name' }), 'a table under Anna Schmidt', 'Anna Schmidt'],
    [z.string().meta({ reads: 'name' }), '给王小明打电话', '王小明'],
  ])('%#: "%s" → %j', async (field, text, value) => {
    expect(await outcome(only(field), text)).toEqual({ field: value })
  })

  it.each<[z.ZodType, string, string]>([
    [z.iso.date(), 'hello', 'On which day?'],
    [z.iso.time().meta({ reads: 'time' }), 'tomorrow', 'At what time?'],
    [z.iso.duration(), '你好', '多长时间？'],
    [z.int(), 'two and 2.5 would be', 'How many (field)?'],
    [z.enum(['small', 'extra-large']), 'small or extra large', 'Which one: small, extra large?'],
    [z.string().meta({ reads: 'place' }), 'hello', 'Where?'],
    [z.string().meta({ reads: 'words', title: '标题' }), '记一下', '内容是什么（标题）？'],
  ])('%#: asks after "%s" "%s"', async (field, text, question) => {
    if (question === 'How many (field)?')
      return expect(await outcome(only(field), text)).toEqual({ field: 2 })
    expect(await outcome(only(field), text)).toBe(question)
  })

  test('places, names and words are answered with any words but a question', async () => {
    const anywhere = only(z.string().meta({ reads: 'place' }))
    expect(await outcome(anywhere, 'hello', 'my garden.')).toEqual({ field: 'my garden' })
    expect((await converse(anywhere, 'hello'))[0]!.asks).toMatchObject({ takesAnyWords: true })
    expect(await outcome(anywhere, 'hello', 'In Berlin, please.')).toEqual({ field: 'Berlin' })
    expect(await outcome(anywhere, 'hello', "my aunt's house in Berlin")).toEqual({
      field: "my aunt's house in Berlin",
    })
    expect(await outcome(anywhere, '你好', '在上海吧')).toEqual({ field: '上海' })
    expect(await outcome(anywhere, 'hello', 'why do you ask?')).toBe('declined')
  })
})

test('fields that are not required are filled when they are said, and not asked for', async () => {
  const skill = bookingSkill(z.object({ guests: z.int(), size: z.enum(['small', 'large']).optional() }))
  expect(await outcome(skill, 'four')).toEqual({ guests: 4 })
  expect(await outcome(skill, 'four at a large one')).toEqual({ guests: 4, size: 'large' })
})

describe('several of a kind', () => {
  const place = (...words: string[]) => z.string().meta({ reads: 'place', words })
  const journey = bookingSkill(
    z.object({ via: place().optional(), to: place('to', '到'), from: place('from', '从') }),
  )
  it.each([
    ['from Paris to London', { from: 'Paris', to: 'London' }],
    ['to London from Paris', { from: 'Paris', to: 'London' }],
    ['a train from Paris to London over Brussels', { from: 'Paris', to: 'London', via: 'Brussels' }],
    ['a train into Paris from Rome to the Netherlands', { from: 'Rome', to: 'Netherlands', via: 'Paris' }],
    ['to Paris, the other one from Paris, and Rome', { from: 'Paris', to: 'Paris', via: 'Rome' }],
    ['从杭州到南京的火车', { from: '杭州', to: '南京' }],
  ])('places: "%s" → %j', async (text, input) => expect(await outcome(journey, text)).toEqual(input))

  test('a choice that was not said does not take the value of another', async () => {
    const shirt = bookingSkill(
      z.object({ size: z.enum(['small', 'large']), colour: z.enum(['red', 'blue']) }),
    )
    expect(await outcome(shirt, 'a red one', 'large')).toEqual({ size: 'large', colour: 'red' })
  })

  test('a number that was not said does not take the value of another', async () => {
    const amount = (...words: string[]) => z.int().meta({ words })
    const order = bookingSkill(z.object({ eggs: amount('eggs', '个蛋'), slices: amount('slices', '片') }))
    expect(await outcome(order, '3 slices', 'two')).toEqual({ eggs: 2, slices: 3 })
  })
})

test('a model that fills the input itself is not asked back, and sees nothing of this', async () => {
  const served = await testBed.serve(bookingSkill())
  const [event] = await served.ask(skillRequestEvent('', { input: { guests: 4 } }))
  expect(event!.data).toMatchObject({ status: 'failed', text: expect.stringContaining('when') })
  const { body } = await served.get('/_/manifest')
  expect(body).toMatchObject({
    skill: {
      readsText: true,
      input: { properties: { when: { type: 'string', format: 'date-time' } }, required: ['when', 'guests'] },
    },
  })
  expect(JSON.stringify(body)).not.toMatch(/pattern|"ask"|几位/)
})

test('a skill that needs what cannot be read is left to the model, as before', async () => {
  const skill = bookingSkill(z.object({ when: z.iso.datetime(), anything: z.string() }))
  expect(await outcome(skill, 'book a table tomorrow at 8 pm')).toBe('declined')
})
