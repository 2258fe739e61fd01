import { describe, expect, it } from 'vitest'
import { detectLanguage, recogniseLanguage } from '../detection.ts'
import { findDuration, findMoment, normaliseText } from '../moments/moment.ts'
import { numeralsToDigits } from './numerals.ts'

/** A Friday. */
const SAID_AT = new Date('2026-03-27T10:00:00Z')
const momentOf = async (text: string) => {
  const found = await findMoment(text, { saidAt: SAID_AT, timeZone: 'UTC', morning: false, language: 'de' })
  return found && [found.due.toISOString().slice(0, 16), found.rest]
}

describe('German numerals', () => {
  it.each([
    ['zweihundertfünf', '205'],
    ['dreieinhalb', '3.5'],
    ['anderthalb stunden', '1.5 stunden'],
    ['einundzwanzig', '21'],
    ['siebzehn', '17'],
    ['dreitausendvierhundertzwölf', '3412'],
    ['zwei millionen dreihunderttausend', '2300000'],
    ['drei komma fünf', '3.5'],
    ['12,5', '12.5'],
    ['8.640,75', '8640.75'],
    ['am 3.5.2026', 'am 3.5.2026'],
    ['eine Milch', 'eine Milch'],
    ['1, 2 und 3', '1, 2 und 3'],
  ])('"%s" is "%s"', (text, expected) => expect(numeralsToDigits(text)).toBe(expected))
})

describe('a German moment', () => {
  it.each([
    ['übermorgen', '2026-03-29T09:00', ''],
    ['nächsten Dienstag', '2026-03-31T09:00', ''],
    ['am 3. Mai', '2026-05-03T09:00', ''],
    ['am dritten Mai um 14 Uhr', '2026-05-03T14:00', ''],
    ['am 24.12. um 18:00', '2026-12-24T18:00', ''],
    ['am 5.', '2026-04-05T09:00', ''],
    ['heute Abend um halb sieben', '2026-03-27T18:30', ''],
    ['halb sieben heute abend', '2026-03-27T18:30', ''],
    ['morgen um 9', '2026-03-28T09:00', ''],
    ['morgen früh', '2026-03-28T09:00', ''],
    ['morgen um viertel vor acht', '2026-03-28T07:45', ''],
    ['um 17 Uhr', '2026-03-27T17:00', ''],
    ['um 18.30 Uhr', '2026-03-27T18:30', ''],
    ['um fünf vor halb acht abends', '2026-03-27T19:25', ''],
    ['Montag um 8 Uhr morgens', '2026-03-30T08:00', ''],
    ['am Montagabend', '2026-03-30T19:00', ''],
    ['heute Abend', '2026-03-27T19:00', ''],
    ['nächste Woche am Mittwoch', '2026-04-01T09:00', ''],
    ['in zehn Minuten', '2026-03-27T10:10', ''],
    ['in einer halben Stunde', '2026-03-27T10:30', ''],
    ['in anderthalb Stunden', '2026-03-27T11:30', ''],
    ['in zwei Tagen um 14 Uhr', '2026-03-29T14:00', ''],
    ['in drei Wochen', '2026-04-17T10:00', ''],
    ['in einer Stunde und 20 Minuten', '2026-03-27T11:20', ''],
    ['morgen um 9 den Zahnarzt anrufen', '2026-03-28T09:00', 'den Zahnarzt anrufen'],
    ['den Müll am Ende des Monats rausbringen', '2026-03-31T09:00', 'den Müll rausbringen'],
  ])('"%s" is %s, and "%s" is left', async (text, due, rest) =>
    expect(await momentOf(text)).toEqual([due, rest]),
  )

  it.each(['den Zahnarzt anrufen', 'Mai Lin anrufen', 'das dritte Kapitel lesen', 'guten Morgen'])(
    'is not found in "%s"',
    async text => expect(await momentOf(text)).toBeUndefined(),
  )
})

describe('a German length of time', () => {
  it.each([
    ['20 Minuten', 1_200_000],
    ['eine Viertelstunde', 900_000],
    ['zwei Stunden und 15 Minuten', 8_100_000],
    ['dreieinhalb Stunden', 12_600_000],
    ['1 h', 3_600_000],
  ])('"%s" is %i ms', (text, ms) => expect(findDuration(text, 'de')?.duration).toMatchObject({ ms }))
})

describe('German', () => {
  it.each([
    'was ist 12,5 % von 8640?',
    'Wie spät ist es?',
    'erinnere mich morgen um 9',
    'um acht Uhr',
    'Nein danke',
    'lösche die zweite',
    'Was weißt du über mich?',
  ])('is told by "%s"', text => expect(detectLanguage(text)).toBe('de'))

  it.each(['Anna', '5', '3 + 4', '/help'])('is not told by "%s", nor is any other language', text =>
    expect(recogniseLanguage(text)).toBeUndefined(),
  )

  it('writes times of day as a clock shows them', () =>
    expect(normaliseText('Um dreiviertel sechs, Viertel nach 7, 10 nach 8', 'de')).toBe(
      'um 5:45, 7:15, 8:10',
    ))
})
