import * as z from 'zod'
import { LaresError } from '#shared/base/errors.ts'
import { defineSkill } from '#shared/contract/skill.ts'
import { formatDate, formatTime, toWallMs, type WallTime, wallTime } from '#shared/language/dates.ts'
import { examples } from './examples.ts'
import { parseTimeRequest } from './parse.ts'
import { findPlace } from './places.ts'

const DAY_MS = 86_400_000

export default defineSkill({
  name: 'time',
  title: { en: 'the time or date', zh: '时间和日期' },
  description: 'Tells the time and date, here or elsewhere.',
  examples,
  input: z.object({
    zone: z.string().max(100).optional().describe('city, country or IANA zone'),
    day: z.number().min(-366).max(366).optional().describe('days from today'),
  }),
  read: parseTimeRequest,
  run({ zone, day = 0 }, { language, timeZone, saidAt }) {
    const place = zone ? findPlace(zone) : undefined
    if (zone && !place) throw new LaresError('not_found', phrases[language].unknown(zone))
    const zoneThere = place?.zone ?? timeZone
    const now = wallTime(saidAt, zoneThere)
    const text =
      day === 0
        ? phrases[language].now(formatTime(now), formatDate(now, language), place?.label)
        : phrases[language].other(formatDate(addDays(now, day), language))
    return { text, data: { now: saidAt.toISOString(), timeZone: zoneThere } }
  },
})

const phrases = {
  en: {
    now: (clock: string, date: string, place?: string) =>
      `It is ${clock} on ${date}${place ? ` in ${titleCase(place)}` : ''}.`,
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

const titleCase = (place: string): string =>
  place.length <= 3 ? place.toUpperCase() : place.replace(/\b\p{Ll}/gu, letter => letter.toUpperCase())

/** Counted in calendar days: a day may have 23 or 25 hours. */
const addDays = (from: WallTime, days: number): WallTime =>
  wallTime(new Date(toWallMs(from) + days * DAY_MS), 'UTC')
