import * as z from 'zod'
import { LaresError } from '#shared/base/errors.ts'
import { defineSkill } from '#shared/contract/skill/skill.ts'
import { formatDate } from '#shared/language/date-format.ts'
import { formatTime, toWallMs, type WallTime, wallTime } from '#shared/language/dates.ts'
import { byTag, packFor, packs } from '#shared/language/packs.ts'
import { parseTimeRequest } from './parse.ts'
import { findPlace } from './places.ts'

const DAY_MS = 86_400_000

export default defineSkill({
  name: 'time',
  title: byTag(({ time }) => time.title),
  description: 'Tells the time and date, here or elsewhere.',
  examples: packs.flatMap(({ time }) => time.examples),
  input: z.object({
    zone: z.string().max(100).optional().describe('city, country or IANA zone'),
    day: z.number().min(-366).max(366).optional().describe('days from today'),
  }),
  read: (text, { language }) => parseTimeRequest(text, language),
  run({ zone, day = 0 }, { language, timeZone, saidAt }) {
    const { phrases } = packFor(language).time
    const place = zone ? findPlace(zone) : undefined
    if (zone && !place) throw new LaresError('not_found', phrases.unknown(zone))
    const zoneThere = place?.zone ?? timeZone
    const now = wallTime(saidAt, zoneThere)
    const text =
      day === 0
        ? phrases.now(formatTime(now), formatDate(now, language), place?.label)
        : phrases.other(formatDate(addDays(now, day), language))
    return { text, data: { now: saidAt.toISOString(), timeZone: zoneThere } }
  },
})

/** Adds calendar days: a day may have 23 or 25 hours. */
const addDays = (from: WallTime, days: number): WallTime =>
  wallTime(new Date(toWallMs(from) + days * DAY_MS), 'UTC')
