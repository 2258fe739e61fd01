import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import notes from '../../functions/skills/notes/handler.ts'
import reminder from '../../functions/skills/reminder/handler.ts'
import time from '../../functions/skills/time/handler.ts'
import { languageSchema } from '../../shared/contract/events/event-types.ts'
import { openTestKit, type TestKit } from '../../shared/host/test-kit.ts'
import { formatDateTime } from '../../shared/language/date-format.ts'
import { detectLanguage } from '../../shared/language/detection.ts'
import { localised, packFor } from '../../shared/language/packs.ts'

let kit: TestKit
beforeEach(async () => {
  kit = await openTestKit()
})
afterEach(() => kit.close())

describe('a language without a pack', () => {
  it.each([
    ["rappelle-moi d'appeler le dentiste demain", 'fr'],
    ['¿qué hora es en Madrid?', 'es'],
    ['che ora è adesso?', 'it'],
    ['hoe laat is het nu?', 'nl'],
    ['şu an saat kaç?', 'tr'],
    ['jaka jest teraz godzina?', 'pl'],
    ['いま何時ですか？', 'ja'],
    ['지금 몇 시예요?', 'ko'],
    ['сколько сейчас времени?', 'ru'],
  ])('is told: "%s" is %s', (text, tag) => {
    expect(detectLanguage(text)).toBe(tag)
    expect(languageSchema().parse(tag)).toBe(tag)
  })

  it.each(['fr', 'tr', 'ja', 'pt-BR', 'zz'])('is answered in English: %s', async language => {
    expect(packFor(language).tag).toBe('en')
    expect(formatDateTime(new Date('2026-03-27T09:05:00Z'), 'UTC', language)).toBe(
      'Friday, 27 March 2026 at 09:05',
    )
    expect((await kit.ask(time, 'x', { input: {}, language })).text).toMatch(/^It is \d\d:\d\d on /)
    const saved = await kit.ask(notes, 'x', { input: { action: 'add', text: 'le code est 12' }, language })
    expect(saved).toMatchObject({ status: 'ok', text: 'Noted: le code est 12' })
    const asked = await kit.ask(reminder, 'x', { input: { text: 'le dentiste' }, language })
    expect(asked.text).toContain('When shall I remind you')
  })

  it.each(["rappelle-moi d'appeler le dentiste", 'recuérdame comprar leche', 'bana süt almayı hatırlat'])(
    'is no error for a skill that cannot read it: "%s"',
    async text => {
      for (const skill of [reminder, notes, time])
        expect(await kit.ask(skill, text)).toMatchObject({ status: 'declined', text: '' })
    },
  )
})

test('the pack nearest to a tag serves it, and a skill has texts in as many languages as it likes', () => {
  expect(packFor('zh-Hant-TW').tag).toBe('zh')
  expect(packFor('en-GB').tag).toBe('en')
  expect(localised({ fr: 'oui', en: 'yes' }, 'fr')).toBe('oui')
  expect(localised({ fr: 'oui', en: 'yes' }, 'tr')).toBe('yes')
  expect(localised({ fr: 'oui' }, 'tr')).toBe('oui')
})

test('events of before, with "en" and "zh", are read as they were', () => {
  for (const tag of ['en', 'zh']) expect(languageSchema().parse(tag)).toBe(tag)
  for (const wrong of ['', 'english', 'de_AT', 'd'])
    expect(languageSchema().safeParse(wrong).success).toBe(false)
})
