import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import memory from '../../functions/memory/handler.ts'
import calculator from '../../functions/skills/calculator/handler.ts'
import notes from '../../functions/skills/notes/handler.ts'
import reminder from '../../functions/skills/reminder/handler.ts'
import time from '../../functions/skills/time/handler.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import type { EventData } from '../../shared/contract/events/event-types.ts'
import { newId } from '../../shared/contract/events/ids.ts'
import { messageEvent, openTestKit, type TestKit } from '../../shared/host/test-kit.ts'

let kit: TestKit
let seconds: number
beforeEach(async () => {
  kit = await openTestKit()
  seconds = 0
})
afterEach(() => kit.close())

/** The test kit says everything on Friday, 27 March 2026, at 10:00 in Berlin. */
const ask = async (skill: Parameters<TestKit['ask']>[0], text: string, asked?: Record<string, unknown>) =>
  await kit.ask(skill, text, { language: 'de', ...(asked && { asked }) })
const pending = async () =>
  (await kit.store.timers.pending('alice', 9)).map(({ dueAt, text }) => [dueAt.slice(0, 16), text])

describe('German reminders', () => {
  it.each([
    ['Erinnere mich in zehn Minuten daran, Wasser zu trinken', '2026-03-27T09:10', 'Wasser zu trinken'],
    ['Erinnere mich morgen um 9 an den Zahnarzt', '2026-03-28T08:00', 'den Zahnarzt'],
    [
      'Kannst du mich bitte um 17 Uhr daran erinnern, die Kinder abzuholen?',
      '2026-03-27T16:00',
      'die Kinder abzuholen',
    ],
    ['Erinner mich heute Abend um halb sieben ans Blumengießen', '2026-03-27T17:30', 'Blumengießen'],
    ['Kannst du mich nächsten Dienstag an die Rechnung erinnern?', '2026-03-31T07:00', 'die Rechnung'],
    ['Erinnere mich am 3. Mai an den Geburtstag von Sam', '2026-05-03T07:00', 'den Geburtstag von Sam'],
    ['Ich brauche eine Erinnerung für Montag früh: Miete überweisen', '2026-03-30T07:00', 'Miete überweisen'],
    ['Stell einen Timer auf 20 Minuten', '2026-03-27T09:20', 'die Zeit ist um'],
    ['Weck mich um halb sieben', '2026-03-28T05:30', 'daran wolltest du erinnert werden'],
  ])('"%s" is due %s: "%s"', async (text, due, about) => {
    expect((await ask(reminder, text)).text).toMatch(/^Ich erinnere dich .+ um \d\d:\d\d(?::\d\d)? Uhr: /)
    expect(await pending()).toEqual([[due, about]])
  })

  it.each([
    ['Erinnere mich jeden Werktag um 8 an die Tabletten'],
    ['Erinnere mich täglich um 8 an die Tabletten'],
    ['Erinnere mich dienstags an den Müll'],
    ['Erinnere mich alle zwei Stunden ans Trinken'],
  ])('"%s" is refused, as it recurs', async text => {
    expect((await ask(reminder, text)).text).toContain('nicht immer wieder')
    expect(await pending()).toEqual([])
  })

  it('ask back for the time and for the text', async () => {
    const when = await ask(reminder, 'Erinnere mich an den Müll')
    expect(when.text).toContain('Wann soll ich dich erinnern (den Müll)?')
    expect((await ask(reminder, 'übermorgen um 8', when.asks!.asked)).text).toBe(
      'Ich erinnere dich am Sonntag, 29. März 2026 um 08:00 Uhr: den Müll',
    )
    const what = await kit.ask(reminder, 'x', { language: 'de', input: { when: 'morgen um 9' } })
    expect(what.text).toBe('Woran soll ich dich morgen um 09:00 Uhr erinnern?')
    expect((await ask(reminder, 'Milch kaufen', what.asks!.asked)).text).toBe(
      'Ich erinnere dich morgen um 09:00 Uhr: Milch kaufen',
    )
  })

  it('are listed and cancelled, by words, by time, by place and all at once', async () => {
    for (const text of ['morgen um 9 an den Zahnarzt', 'morgen um 11 an den Müll', 'Montag um 8 Uhr an Anna'])
      await ask(reminder, `Erinnere mich ${text}`)
    expect((await ask(reminder, 'Welche Erinnerungen habe ich?')).text).toBe(
      'Deine Erinnerungen:\n- morgen um 09:00 Uhr: den Zahnarzt\n- morgen um 11:00 Uhr: den Müll\n- am Montag, 30. März 2026 um 08:00 Uhr: Anna',
    )
    expect((await ask(reminder, 'Lösche die Erinnerung an den Müll')).text).toBe(
      'Gelöscht: den Müll (morgen um 11:00 Uhr).',
    )
    const which = await ask(reminder, 'Lösche eine Erinnerung')
    expect(which.text).toContain('Welche soll ich löschen?\n1. ')
    expect((await ask(reminder, 'die erste', which.asks!.asked)).text).toContain('Gelöscht: den Zahnarzt')
    await ask(reminder, 'Erinnere mich morgen um 12 an das Essen')
    expect((await ask(reminder, 'Lösche alle Erinnerungen')).text).toBe('Alle 2 Erinnerungen sind gelöscht.')
  })
})

describe('German sums', () => {
  it.each([
    ['Was ist 12,5 % von 8640?', '12,5% × 8640 = 1080'],
    ['Rechne dreieinhalb mal zwölf', '3,5 × 12 = 42'],
    ['Wie viel ist zweihundertfünf plus 1.000?', '205 + 1000 = 1205'],
    ['Teile 90 durch 8', '90 / 8 = 11,25'],
    ['ziehe 30 von 85 ab', '85 - 30 = 55'],
    ['was ist die Wurzel aus 81?', 'sqrt(81) = 9'],
    ['die Summe von 8, 12 und 40', '8 + 12 + 40 = 60'],
    ['wie viel sind 10 Meilen in km?', '10 Meilen = 16,09344 km'],
    ['wie viel Grad Fahrenheit sind 20 Grad Celsius?', '20 °C = 68 °F'],
    ['wie viele Gramm sind 3,5 kg?', '3,5 kg = 3500 g'],
    ['was ist 5 geteilt durch null?', 'Durch null kann man nicht teilen.'],
  ])('"%s" is answered "%s"', async (text, answer) => expect((await ask(calculator, text)).text).toBe(answer))

  it.each(['Was ist die Hauptstadt von Frankreich?', 'Am 3.5.2026', '0221 123456'])(
    '"%s" is none',
    async text => expect(await ask(calculator, text)).toMatchObject({ status: 'declined' }),
  )
})

describe('German questions about the time', () => {
  it.each([
    ['Wie spät ist es?', 'Es ist 10:00 Uhr am Freitag, 27. März 2026.'],
    ['Wie viel Uhr ist es in Tokio?', 'In Tokio ist es 18:00 Uhr am Freitag, 27. März 2026.'],
    ['Welcher Tag ist übermorgen?', 'Das ist Sonntag, 29. März 2026.'],
    ['Wie spät ist es in Xyzstadt?', 'Ich weiß nicht, in welcher Zeitzone Xyzstadt liegt.'],
  ])('"%s" is answered "%s"', async (text, answer) => expect((await ask(time, text)).text).toBe(answer))

  it('are none when they are about something else', async () =>
    expect(await ask(time, 'Um wie viel Uhr beginnt der Film?')).toMatchObject({ status: 'declined' }))
})

describe('German notes', () => {
  it('are kept, listed, found and deleted', async () => {
    expect((await ask(notes, 'Notiere, dass der Vermieter am Dienstag kommt')).text).toBe(
      'Notiert: der Vermieter am Dienstag kommt',
    )
    await ask(notes, 'Neue Notiz: Filter für die Heizung kaufen')
    expect((await ask(notes, 'Zeig mir meine Notizen')).text).toContain('- Filter für die Heizung kaufen')
    expect((await ask(notes, 'Was habe ich über den Vermieter notiert?')).text).toContain(
      'Vermieter am Dienstag',
    )
    expect((await ask(notes, 'Lösche die Notiz über die Filter')).text).toBe(
      'Notiz gelöscht: Filter für die Heizung kaufen',
    )
  })
})

describe('German memory', () => {
  async function say(text: string): Promise<string | undefined> {
    const at = new Date(Date.UTC(2026, 2, 27, 9, 0, seconds++)).toISOString()
    const { data: message, time: saidAt } = messageEvent(text, { time: at, language: 'de' })
    const event = createRootEvent({
      id: newId(),
      source: '/test',
      type: 'lares.intent.recognised',
      conversation: 'conversation',
      data: { message, saidAt, intent: { skill: null, score: 1, candidates: [] } },
    })
    const [recalled] = await kit.send(memory, event)
    return (recalled!.data as EventData<'lares.context.recalled'>).answer
  }

  it('remembers, recalls, explains, replaces and forgets', async () => {
    expect(await say('Merk dir, dass mein Torcode 4711 ist')).toBe('Ich merke mir: dein Torcode ist 4711.')
    expect(await say('Wie ist mein Torcode?')).toBe('Dein Torcode ist 4711.')
    expect(await say('Woher weißt du das?')).toContain('am 2026-03-27, in diesem Gespräch')
    await say('Merk dir: mein Torcode ist 1234')
    expect(await say('Weißt du noch, wie mein Torcode ist?')).toBeUndefined()
    expect(await say('Wie lautet mein Torcode?')).toBe('Dein Torcode ist 1234.')
    expect(await say('Wie war mein Torcode vorher?')).toContain('Dein Torcode ist 4711.')
    await say('Merk dir, dass ich in Köln wohne')
    expect(await say('Wo wohne ich?')).toBe('Du wohnst in Köln.')
    expect(await say('Was weißt du über mich?')).toBe(
      'Das weiß ich über dich:\n- Du wohnst in Köln.\n- Dein Torcode ist 1234.',
    )
    expect(await say('Vergiss meinen Torcode')).toBe('Darüber weiß ich nichts mehr: deinen Torcode.')
    expect(await say('Wie ist mein Torcode?')).toBeUndefined()
    expect(await say('Vergiss alles, was du über mich weißt')).toBe('Ich weiß nichts mehr über dich.')
  })

  it('knows a name', async () => {
    await say('Merk dir, dass ich Thomas heiße')
    expect(await say('Wie heiße ich?')).toBe('Du heißt Thomas.')
  })
})
