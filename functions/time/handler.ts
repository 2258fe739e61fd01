import * as z from 'zod'
import { LaresError } from '../../shared/errors.ts'
import type { Language } from '../../shared/events/types.ts'
import { defineSkill } from '../../shared/function/skill.ts'
import { examples } from './examples.ts'
import { placeNamed } from './places.ts'
import { readTime } from './reading.ts'

const DAY_MS = 86_400_000

export default defineSkill({
  name: 'time',
  description: 'Tells the time and date, here or elsewhere.',
  examples,
  input: z.object({
    zone: z.string().max(100).optional().describe('city, country or IANA zone'),
    day: z.number().min(-366).max(366).optional().describe('days from today'),
  }),
  read: readTime,
  run({ zone, day = 0 }, { language, timeZone, saidAt }) {
    const place = zone ? placeNamed(zone) : undefined
    if (zone && !place) throw new LaresError('not_found', phrases[language].unknown(zone))
    const at = { timeZone: place?.zone ?? timeZone }
    const text =
      day === 0
        ? phrases[language].now(clock(saidAt, at), date(saidAt, language, at), place?.label)
        : phrases[language].other(date(daysLater(saidAt, day, at.timeZone), language, { timeZone: 'UTC' }))
    return { text, data: { now: saidAt.toISOString(), timeZone: at.timeZone } }
  },
})

const phrases = {
  en: {
    now: (clock: string, date: string, place?: string) =>
      `It is ${clock} on ${date}${place ? ` in ${titled(place)}` : ''}.`,
    other: (date: string) => `That is ${date}.`,
    unknown: (place: string) => `I do not know which time zone ${place} is in.`,
  },
  zh: {
    now: (clock: string, date: string, place?: string) =>
      `${place ? `${place}` : ''}现在是${date} ${clock}。`,
    other: (date: string) => `是${date}。`,
    unknown: (place: string) => `我不知道${place}在哪个时区。`,
  },
} as const

const titled = (place: string): string =>
  place.length <= 3 ? place.toUpperCase() : place.replace(/\b\p{Ll}/gu, letter => letter.toUpperCase())

const clock = (when: Date, { timeZone }: { timeZone: string }): string =>
  when.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone })

const date = (when: Date, language: Language, { timeZone }: { timeZone: string }): string =>
  when.toLocaleDateString(language === 'zh' ? 'zh-CN' : 'en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  })

/** Counted in calendar days, as a Date whose UTC fields are the local date: a day may have 23 or 25 hours. */
function daysLater(from: Date, days: number, timeZone: string): Date {
  const local = from.toLocaleDateString('en-CA', { timeZone })
  return new Date(Date.parse(`${local}T00:00:00Z`) + days * DAY_MS)
}
