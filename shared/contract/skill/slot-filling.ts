import * as z from 'zod'
import { wallTime } from '../../language/dates.ts'
import { packsReading } from '../../language/detection.ts'
import { strip } from '../../language/fillers.ts'
import { blankSpan, type Span } from '../../language/moments/spans.ts'
import type { ProperNameKind, SlotKind } from '../../language/pack.ts'
import { localised, packFor } from '../../language/packs.ts'
import { containsHan } from '../../language/script.ts'
import type { FollowUpQuestion } from '../events/event-types.ts'
import { slotKindSchema } from './input-meta.ts'
import type { SkillContext } from './skill-context.ts'

/**
 * Fills a skill's input from a person's words, for a skill without its own `read`. The types and formats of the schema
 * decide whether a field is a moment, date, time of day, duration, number, choice, place or name. Asks for missing
 * values, over as many turns as needed.
 */

type Slot = {
  name: string
  kind: SlotKind
  isRequired: boolean
  isWhole: boolean
  choices: [value: string, words: string[]][]
  beside: string[]
  question: (language: string) => string
}

/**
 * A property of the schema, with the keys that `meta` adds. `reads` names the kind where the type does not show it.
 * `ask` holds the questions. `words` holds the words for each value of a choice, or the words beside a number; a number
 * that was asked for needs no such word.
 */
const propertySchema = z.object({
  type: z.string().optional(),
  format: z.string().optional(),
  title: z.string().optional(),
  enum: z.array(z.string()).optional(),
  reads: slotKindSchema.optional(),
  ask: z.record(z.string(), z.string()).optional(),
  words: z.union([z.record(z.string(), z.array(z.string())), z.array(z.string())]).optional(),
})
type Property = z.infer<typeof propertySchema>

const inputSchema = z.object({
  properties: z.record(z.string(), propertySchema),
  required: z.array(z.string()).default([]),
})

const KIND_OF_FORMAT: Readonly<Record<string, SlotKind>> = {
  'date-time': 'moment',
  date: 'date',
  time: 'time',
  duration: 'duration',
}

/** The fields that Lares can fill; undefined when it cannot fill a required one. */
export function slotsOf(input: z.ZodType): Slot[] | undefined {
  const parsed = inputSchema.safeParse(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })).data
  if (!parsed || parsed.required.length === 0) return undefined
  const fields = Object.entries(parsed.properties).flatMap(([name, given]) => {
    const kind = slotKindOf(given)
    const isRequired = parsed.required.includes(name)
    return kind ? [slotFrom(name, kind, given, isRequired)] : []
  })
  return parsed.required.every(name => fields.some(field => field.name === name)) ? fields : undefined
}

function slotKindOf({ type, format = '', enum: values, reads }: Property): SlotKind | undefined {
  if (reads) return reads
  if (values) return 'choice'
  if (type === 'number' || type === 'integer') return 'number'
  return type === 'string' ? KIND_OF_FORMAT[format] : undefined
}

function slotFrom(name: string, kind: SlotKind, given: Property, isRequired: boolean): Slot {
  const label = given.title ?? name.replace(/[-_]/g, ' ')
  const byValue = Array.isArray(given.words) ? {} : (given.words ?? {})
  const choices = (given.enum ?? []).map((value): [string, string[]] => [
    value,
    [value.replace(/[-_]/g, ' '), ...(byValue[value] ?? [])],
  ])
  return {
    name,
    kind,
    isRequired,
    isWhole: given.type === 'integer',
    choices,
    beside: Array.isArray(given.words) ? given.words : [],
    question: language =>
      (given.ask && localised(given.ask, language)) ??
      packFor(language).slots.questions[kind](
        label,
        choices.map(([, [word]]) => word!),
      ),
  }
}

type SlotValues = Record<string, unknown>
export type FillResult = { input: SlotValues } | { text: string; asks: FollowUpQuestion }

/** `said` holds the person's words so far: they may name the day, and the next words the hour. */
const stateSchema = z.strictObject({
  missing: z.string(),
  known: z.record(z.string(), z.unknown()),
  said: z.string(),
})

const MAX_TEXT_LENGTH = 500
/** Kinds that any words may answer. */
const FREE_TEXT_KINDS: ReadonlySet<SlotKind> = new Set(['place', 'name', 'words'])

/**
 * Fills the input. Returns the whole input, or the question for the next missing value, or null when the words are not
 * an answer.
 */
export async function fillSlots(fields: Slot[], context: SkillContext): Promise<FillResult | null> {
  const { text, asked, language } = context
  if (text.length > MAX_TEXT_LENGTH) return null
  const previous = stateSchema.safeParse(asked).data
  const missing = fields.find(({ name }) => name === previous?.missing)
  const known: SlotValues = { ...previous?.known }
  const found = await extractValues(text, fields, context)
  if (previous && missing) {
    const answer = await parseAnswer(missing, previous.said, fields, context)
    const isHalf = missing.kind === 'moment' && (await extractMoment(text, context)) !== undefined
    if (answer === undefined && !isHalf && Object.keys(found).length === 0) return null
    delete found[missing.name]
    if (answer !== undefined) known[missing.name] = answer
  }
  for (const [name, value] of Object.entries(found)) known[name] ??= value
  const next = fields.find(({ name, isRequired }) => isRequired && known[name] === undefined)
  if (!next) return { input: known }
  const said = `${previous?.said ?? ''} ${text}`.trim().slice(-MAX_TEXT_LENGTH)
  return {
    text: next.question(language),
    asks: {
      asked: { missing: next.name, known, said },
      ...(FREE_TEXT_KINDS.has(next.kind) && { takesAnyWords: true }),
    },
  }
}

/** Reads the answer to a question. An hour alone belongs to the day that the person named before. */
async function parseAnswer(
  missing: Slot,
  said: string,
  fields: Slot[],
  context: SkillContext,
): Promise<unknown> {
  const { text, language } = context
  if (missing.kind === 'place' || missing.kind === 'name')
    return (await soleProperName(text, missing.kind, language)) ?? freeTextAnswer(text)
  if (FREE_TEXT_KINDS.has(missing.kind)) return freeTextAnswer(text)
  const asked = fields.map(field => (field === missing ? { ...field, beside: [] } : field))
  const answer =
    /^\d{1,2}(?:[:.]\d\d)?$/.test(text.trim()) && hasClockTime(missing.kind)
      ? packFor(language).moments.toClockPhrase(text.trim())
      : text
  const alone = await extractMoment(answer, context)
  const whole = missing.kind === 'moment' && alone && !alone.hasDay ? `${said} ${answer}` : answer
  return (await extractValues(whole, asked, context))[missing.name]
}

const hasClockTime = (kind: SlotKind): boolean => kind === 'moment' || kind === 'time'

const freeTextAnswer = (text: string): string | undefined =>
  /[?？]\s*$/.test(text) ? undefined : text.trim().replace(/[\s.。!！,，]+$/u, '') || undefined

/** "In Berlin, please": the place without its filler words; undefined when the text says more. */
async function soleProperName(
  text: string,
  kind: ProperNameKind,
  language: string,
): Promise<string | undefined> {
  const { findProperNames } = await import('../../language/proper-names.ts')
  const [span, ...others] = await findProperNames(text, kind, language)
  const readers = packsReading(text, language)
  const rest = strip(
    span ? blankSpan(text, span) : '',
    readers.map(({ slots }) => slots.fillers),
    [],
  )
  const isAlone = span && others.length === 0 && rest === ''
  return isAlone ? text.slice(...span) : undefined
}

/** Reads the values of all fields from a text. A part of the text fills at most one field. */
async function extractValues(text: string, fields: Slot[], context: SkillContext): Promise<SlotValues> {
  const values: SlotValues = {}
  let rest = text
  const put = (name: string, value: unknown) => {
    if (value !== undefined) values[name] = value
  }
  const has = (...kinds: SlotKind[]) => fields.some(({ kind }) => kinds.includes(kind))
  const set = (kind: SlotKind, value: unknown) => {
    const field = fields.find(one => one.kind === kind && values[one.name] === undefined)
    if (field) put(field.name, value)
  }
  if (has('duration')) {
    const { findDuration } = await import('../../language/moments/moment.ts')
    const hasCue = packsReading(text, context.language).some(({ slots }) => slots.durationCue.test(rest))
    const found = hasCue || !has('moment', 'date', 'time') ? findDuration(rest, context.language) : undefined
    if (found) {
      set('duration', toIsoDuration(found.duration))
      rest = found.rest
    }
  }
  if (has('moment', 'date', 'time')) {
    const found = await extractMoment(rest, context)
    if (found) {
      const wall = wallTime(found.due, context.timeZone)
      if (found.hasTime) set('moment', found.due.toISOString())
      set('date', `${wall.year}-${twoDigits(wall.month)}-${twoDigits(wall.day)}`)
      if (found.hasTime) set('time', `${twoDigits(wall.hour)}:${twoDigits(wall.minute)}:00`)
      rest = found.rest
    }
  }
  for (const kind of ['place', 'name'] as const) {
    const spans = await extractProperNames(rest, kind, fields, context.language)
    for (const [name, span] of spans) put(name, rest.slice(...span))
    rest = [...spans.values()].reduce(blankSpan, rest)
  }
  for (const field of fields) {
    if (field.kind === 'choice') put(field.name, extractChoice(rest, field))
    else if (field.kind === 'number') {
      const number = await extractNumber(rest, field, context.language)
      put(field.name, number?.value)
      rest = number?.rest ?? rest
    }
  }
  return values
}

/**
 * The positions of places or names in a text, by the field's name. Fields with words of their own, such as "from", go
 * first. The other fields take the remaining names in order.
 */
async function extractProperNames(
  text: string,
  kind: ProperNameKind,
  fields: Slot[],
  language: string,
): Promise<Map<string, Span>> {
  const spanOfSlot = new Map<string, Span>()
  const wanted = fields.filter(field => field.kind === kind)
  if (wanted.length === 0) return spanOfSlot
  const { findProperNames } = await import('../../language/proper-names.ts')
  const remaining = await findProperNames(text, kind, language)
  for (const { name, beside } of [...wanted.filter(hasWords), ...wanted.filter(field => !hasWords(field))]) {
    const at = remaining.findIndex(([start]) => isBeside(text.slice(0, start), beside, language))
    if (at >= 0) spanOfSlot.set(name, remaining.splice(at, 1)[0]!)
  }
  return spanOfSlot
}

const hasWords = ({ beside }: Slot): boolean => beside.length > 0

/**
 * Whether a text ends with one of the words. Where spaces divide words, only whole words match; "to the" counts as
 * "to".
 */
function isBeside(before: string, words: string[], language: string): boolean {
  const readers = packsReading(before, language)
  const said = readers.reduce(
    (text, { slots }) => text.replace(slots.article, ''),
    ` ${before.toLowerCase().trim()}`,
  )
  return (
    words.length === 0 ||
    words.some(word => said.endsWith(containsHan(word) ? word : ` ${word.toLowerCase()}`))
  )
}

async function extractMoment(text: string, { saidAt, timeZone, language }: SkillContext) {
  const { findMoment } = await import('../../language/moments/moment.ts')
  return await findMoment(text, { saidAt, timeZone, morning: false, language })
}

const NUMBER = String.raw`(?<![\d.])(-?\d+(?:\.\d+)?)(?![\d.])`

async function extractNumber(text: string, { isWhole, beside }: Slot, language: string) {
  const { normaliseText } = await import('../../language/moments/moment.ts')
  const plain = normaliseText(text, language)
  const words = beside.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const form = beside.length === 0 ? NUMBER : `(?:${words})\\s*${NUMBER}|${NUMBER}\\s*(?:${words})`
  const match = new RegExp(form, 'u').exec(plain)
  const value = Number(match?.[1] ?? match?.[2] ?? Number.NaN)
  if (!match || Number.isNaN(value) || (isWhole && !Number.isInteger(value))) return undefined
  return { value, rest: plain.replace(match[0], ' ') }
}

function extractChoice(text: string, { choices }: Slot): string | undefined {
  const plain = text.toLowerCase()
  const isSaid = (word: string) =>
    containsHan(word)
      ? plain.includes(word)
      : ` ${plain.replace(/[^\p{L}\p{N}]+/gu, ' ')} `.includes(` ${word.toLowerCase()} `)
  const said = choices.filter(([, words]) => words.some(isSaid))
  return said.length === 1 ? said[0]![0] : undefined
}

const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** Formats a duration as ISO 8601. */
function toIsoDuration({ ms, days, months }: { ms: number; days: number; months: number }): string {
  const seconds = Math.round(ms / 1_000)
  const part = (value: number, unit: string) => (value > 0 ? `${value}${unit}` : '')
  const clock =
    part(Math.floor(seconds / 3_600), 'H') +
    part(Math.floor((seconds % 3_600) / 60), 'M') +
    part(seconds % 60, 'S')
  return `P${part(months, 'M')}${part(days, 'D')}${clock === '' ? '' : `T${clock}`}`
}
