import { describe, expect, it } from 'vitest'
import type { ProperNameKind } from './pack.ts'
import { findProperNames } from './proper-names.ts'

const inText = async (text: string, kind: ProperNameKind) =>
  (await findProperNames(text, kind)).map(span => text.slice(...span))

describe('places', () => {
  it.each([
    ['the weather in New York tomorrow', ['New York']],
    ['weather in berlin', ['berlin']],
    ['berlin weather', ['berlin']],
    ['what is it like in san francisco?', ['san francisco']],
    ['Will it rain in Berlin, Germany?', ['Berlin, Germany']],
    ['flights from New York to Los Angeles.', ['New York', 'Los Angeles']],
    ["a table at Luigi's in Brooklyn!", ['Brooklyn']],
    ['I live in the Netherlands', ['Netherlands']],
    ['the weather in Köln', ['Köln']],
    ['is it warm in Rome', ['Rome']],
    ['what is the time in Rio de Janeiro', ['Rio de Janeiro']],
    ['a table under Anna Schmidt', []],
    ['what is the weather like?', []],
    ['我想在上海吃饭', ['上海']],
    ['北京明天天气怎么样', ['北京']],
    ['明天深圳会下雨吗', ['深圳']],
    ['从杭州到南京的火车', ['杭州', '南京']],
    ['旧金山的天气', ['旧金山']],
    ['朝阳区三里屯有什么好吃的', ['朝阳区三里屯']],
    ['天津大学怎么走', ['天津大学']],
    ['weather in 上海', ['上海']],
    ['在我家附近找个餐馆', []],
    ['给王小明打电话', []],
    ['今天天气怎么样', []],
  ])('"%s" → %j', async (text, places) => expect(await inText(text, 'place')).toEqual(places))
})

describe('names', () => {
  it.each([
    ['a table under "Anna Schmidt", please', ['Anna Schmidt']],
    ['send a message to john smith that I am late', ['john smith']],
    ['call dr. maria lopez, now', ['dr. maria lopez']],
    ['text anna', ['anna']],
    ['Tell Bob and Alice', ['Bob', 'Alice']],
    ["what is Charlotte's number", ['Charlotte']],
    ["what is John 's number", ['John']],
    ['the name is Müller', ['Müller']],
    ['a letter to Wang Xiaoming', ['Wang Xiaoming']],
    ['a table under Brightholme', ['Brightholme']],
    ['the weather in New York', []],
    ['book a table', []],
    ['给王小明打电话', ['王小明']],
    ['给陈建国发短信', ['陈建国']],
    ['告诉李雷我晚点到', ['李雷']],
    ['和赵丽颖约好了见面', ['赵丽颖']],
    ['我叫欧阳娜娜', ['欧阳娜娜']],
    ['跟妈妈说我不回家吃饭', ['妈妈']],
    ['订个桌子，姓名刘德华', ['刘德华']],
    ['给Anna发邮件', ['Anna']],
    ['给我打电话', []],
    ['订一张桌子', []],
    ['我想在上海吃饭', []],
  ])('"%s" → %j', async (text, names) => expect(await inText(text, 'name')).toEqual(names))
})

it('tells where they stand', async () => {
  expect(await findProperNames('to "Paris", please', 'place')).toEqual([[4, 9]])
  expect(await findProperNames('去上海。', 'place')).toEqual([[1, 3]])
})

it('finds nothing in nothing, and in what no language has', async () => {
  for (const kind of ['place', 'name'] as const)
    for (const text of [
      '',
      '   ',
      '\u0000',
      '😀😀',
      '，。',
      '我'.repeat(500),
      'x'.repeat(500),
      '((((',
      '\ud800',
    ])
      expect(await findProperNames(text, kind)).toEqual([])
})
