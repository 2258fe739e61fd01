import * as z from 'zod'
import { wallTime } from '../language/dates.ts'
import { isChinese } from '../language/detection.ts'
import { blanked, type Span } from '../language/moments/spans.ts'
import type { ProperKind } from '../language/proper-names.ts'
import type { Asks, Language } from './events/event-types.ts'
import type { SkillContext } from './skill.ts'

/**
 * Fills a skill's input from what people say, in English and Chinese, for a skill that does not `read` it itself: moments,
 * dates, times of day, lengths of time, numbers, choices, places and names, by the types and formats of its schema; and asks
 * for what is missing, over as many turns as it takes.
 */

const kind = z.enum(['moment', 'date', 'time', 'duration', 'number', 'choice', 'place', 'name', 'words'])
type Kind = z.infer<typeof kind>
type Field = {
  name: string
  kind: Kind
  isRequired: boolean
  isWhole: boolean
  choices: [value: string, words: string[]][]
  beside: string[]
  question: (language: Language) => string
}

/**
 * What a schema says of a property, with what `meta` has added: `reads` where the type does not tell what it is, `ask`, and
 * `words`: of a choice by its values, of a number those beside which it stands unless it was asked for.
 */
const property = z.object({
  type: z.string().optional(),
  format: z.string().optional(),
  title: z.string().optional(),
  enum: z.array(z.string()).optional(),
  reads: kind.optional(),
  ask: z.object({ en: z.string(), zh: z.string() }).optional(),
  words: z.union([z.record(z.string(), z.array(z.string())), z.array(z.string())]).optional(),
})
type Property = z.infer<typeof property>

const schema = z.object({
  properties: z.record(z.string(), property),
  required: z.array(z.string()).default([]),
})

const FORMATS: Readonly<Record<string, Kind>> = {
  'date-time': 'moment',
  date: 'date',
  time: 'time',
  duration: 'duration',
}

/** What can be filled of an input; undefined when something that it requires cannot. */
export function fieldsOf(input: z.ZodType): Field[] | undefined {
  const told = schema.safeParse(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })).data
  if (!told || told.required.length === 0) return undefined
  const fields = Object.entries(told.properties).flatMap(([name, given]) => {
    const kind = kindOf(given)
    const isRequired = told.required.includes(name)
    return kind ? [fieldOf(name, kind, given, isRequired)] : []
  })
  return told.required.every(name => fields.some(field => field.name === name)) ? fields : undefined
}

function kindOf({ type, format = '', enum: values, reads }: Property): Kind | undefined {
  if (reads) return reads
  if (values) return 'choice'
  if (type === 'number' || type === 'integer') return 'number'
  return type === 'string' ? FORMATS[format] : undefined
}

function fieldOf(name: string, kind: Kind, given: Property, isRequired: boolean): Field {
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
      given.ask?.[language] ??
      QUESTIONS[language][kind](
        label,
        choices.map(([, [word]]) => word!),
      ),
  }
}

type Question = (label: string, choices: string[]) => string
const QUESTIONS: Readonly<Record<Language, Record<Kind, Question>>> = {
  en: {
    moment: () => 'When?',
    date: () => 'On which day?',
    time: () => 'At what time?',
    duration: () => 'For how long?',
    number: label => `How many (${label})?`,
    choice: (_, choices) => `Which one: ${choices.join(', ')}?`,
    place: () => 'Where?',
    name: label => `Which name (${label})?`,
    words: label => `What is it (${label})?`,
  },
  zh: {
    moment: () => '什么时候？',
    date: () => '哪一天？',
    time: () => '几点？',
    duration: () => '多长时间？',
    number: label => `多少（${label}）？`,
    choice: (_, choices) => `要哪一个：${choices.join('、')}？`,
    place: () => '在哪里？',
    name: label => `叫什么名字（${label}）？`,
    words: label => `内容是什么（${label}）？`,
  },
}

type Values = Record<string, unknown>
export type Filled = { input: Values } | { text: string; asks: Asks }

/** `said`: what was said so far, as a day may be in it and its hour in the next words. */
const state = z.strictObject({
  missing: z.string(),
  known: z.record(z.string(), z.unknown()),
  said: z.string(),
})

const MAX_LENGTH = 500
/** Their answer may be any words. */
const FREE: ReadonlySet<Kind> = new Set(['place', 'name', 'words'])

/** What is filled so far: the whole input, or the question for the next that is missing; null when the words are no answer. */
export async function fill(fields: Field[], context: SkillContext): Promise<Filled | null> {
  const { text, asked, language } = context
  if (text.length > MAX_LENGTH) return null
  const before = state.safeParse(asked).data
  const missing = fields.find(({ name }) => name === before?.missing)
  const known: Values = { ...before?.known }
  const found = await valuesIn(text, fields, context)
  if (before && missing) {
    const answer = await answerIn(missing, before.said, fields, context)
    const isHalf = missing.kind === 'moment' && (await momentIn(text, context)) !== undefined
    if (answer === undefined && !isHalf && Object.keys(found).length === 0) return null
    delete found[missing.name]
    if (answer !== undefined) known[missing.name] = answer
  }
  for (const [name, value] of Object.entries(found)) known[name] ??= value
  const next = fields.find(({ name, isRequired }) => isRequired && known[name] === undefined)
  if (!next) return { input: known }
  const said = `${before?.said ?? ''} ${text}`.trim().slice(-MAX_LENGTH)
  return {
    text: next.question(language),
    asks: {
      asked: { missing: next.name, known, said },
      ...(FREE.has(next.kind) && { takesAnyWords: true }),
    },
  }
}

/** What was asked for: an hour alone is one of the day that was said before. */
async function answerIn(
  missing: Field,
  said: string,
  fields: Field[],
  context: SkillContext,
): Promise<unknown> {
  const { text } = context
  if (missing.kind === 'place' || missing.kind === 'name')
    return (await namedAlone(text, missing.kind)) ?? freely(text)
  if (FREE.has(missing.kind)) return freely(text)
  const asked = fields.map(field => (field === missing ? { ...field, beside: [] } : field))
  const answer = /^\d{1,2}(?:[:.]\d\d)?$/.test(text.trim()) && isOfClock(missing.kind) ? `at ${text}` : text
  const alone = await momentIn(answer, context)
  const whole = missing.kind === 'moment' && alone && !alone.hasDay ? `${said} ${answer}` : answer
  return (await valuesIn(whole, asked, context))[missing.name]
}

const isOfClock = (kind: Kind): boolean => kind === 'moment' || kind === 'time'

const freely = (text: string): string | undefined =>
  /[?？]\s*$/.test(text) ? undefined : text.trim().replace(/[\s.。!！,，]+$/u, '') || undefined

/** "In Berlin, please": the place without the words that only carry it; undefined where they say more. */
async function namedAlone(text: string, kind: ProperKind): Promise<string | undefined> {
  const { properNamesIn } = await import('../language/proper-names.ts')
  const [span, ...others] = await properNamesIn(text, kind)
  const isAlone = span && others.length === 0 && CARRIES.test(blanked(text, span))
  return isAlone ? text.slice(...span) : undefined
}

const CARRIES =
  /^(?:(?:in|at|near|to|from|for|under|with|it'?s|it is|the|my|name|is|please|thanks)\b|[\s,.!:，。！：]|在|去|到|从|我|叫|是|姓名|名字|给|吧|请|谢谢)*$/iu

/** What of the fields is in a text. What one of them takes is not taken by another. */
async function valuesIn(text: string, fields: Field[], context: SkillContext): Promise<Values> {
  const values: Values = {}
  let rest = text
  const put = (name: string, value: unknown) => {
    if (value !== undefined) values[name] = value
  }
  const has = (...kinds: Kind[]) => fields.some(({ kind }) => kinds.includes(kind))
  const set = (kind: Kind, value: unknown) => {
    const field = fields.find(one => one.kind === kind && values[one.name] === undefined)
    if (field) put(field.name, value)
  }
  if (has('duration')) {
    const { findLength } = await import('../language/moments/moment.ts')
    const found = FOR.test(rest) || !has('moment', 'date', 'time') ? findLength(rest) : undefined
    if (found) {
      set('duration', isoOf(found.duration))
      rest = found.rest
    }
  }
  if (has('moment', 'date', 'time')) {
    const found = await momentIn(rest, context)
    if (found) {
      const wall = wallTime(found.due, context.timeZone)
      if (found.hasTime) set('moment', found.due.toISOString())
      set('date', `${wall.year}-${two(wall.month)}-${two(wall.day)}`)
      if (found.hasTime) set('time', `${two(wall.hour)}:${two(wall.minute)}:00`)
      rest = found.rest
    }
  }
  for (const kind of ['place', 'name'] as const) {
    const spans = await properNames(rest, kind, fields)
    for (const [name, span] of spans) put(name, rest.slice(...span))
    rest = [...spans.values()].reduce(blanked, rest)
  }
  for (const field of fields) {
    if (field.kind === 'choice') put(field.name, choiceIn(rest, field))
    else if (field.kind === 'number') {
      const number = await numberIn(rest, field)
      put(field.name, number?.value)
      rest = number?.rest ?? rest
    }
  }
  return values
}

/**
 * Where the places or names of fields stand, by the field's name. Fields with words of their own, as "from", go before the
 * others, which take what is left in its order.
 */
async function properNames(text: string, kind: ProperKind, fields: Field[]): Promise<Map<string, Span>> {
  const taken = new Map<string, Span>()
  const wanted = fields.filter(field => field.kind === kind)
  if (wanted.length === 0) return taken
  const { properNamesIn } = await import('../language/proper-names.ts')
  const left = await properNamesIn(text, kind)
  for (const { name, beside } of [...wanted.filter(hasWords), ...wanted.filter(field => !hasWords(field))]) {
    const at = left.findIndex(([start]) => isBeside(text.slice(0, start), beside))
    if (at >= 0) taken.set(name, left.splice(at, 1)[0]!)
  }
  return taken
}

const hasWords = ({ beside }: Field): boolean => beside.length > 0

/** Whether a text ends with one of the words, which are whole words where spaces divide them; "to the" is "to". */
function isBeside(before: string, words: string[]): boolean {
  const said = ` ${before.toLowerCase().trim().replace(/ the$/, '')}`
  return (
    words.length === 0 || words.some(word => said.endsWith(isChinese(word) ? word : ` ${word.toLowerCase()}`))
  )
}

/** "For two hours" is a length of time, and "in two hours" a moment. */
const FOR = /\bfor\b|\blong\b|时长|持续|多久|共/iu

async function momentIn(text: string, { saidAt, timeZone }: SkillContext) {
  const { findMoment } = await import('../language/moments/moment.ts')
  return await findMoment(text, { saidAt, timeZone, morning: false })
}

const NUMBER = String.raw`(?<![\d.])(-?\d+(?:\.\d+)?)(?![\d.])`

async function numberIn(text: string, { isWhole, beside }: Field) {
  const { digits } = await import('../language/moments/moment.ts')
  const plain = digits(text)
  const words = beside.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const form = beside.length === 0 ? NUMBER : `(?:${words})\\s*${NUMBER}|${NUMBER}\\s*(?:${words})`
  const match = new RegExp(form, 'u').exec(plain)
  const value = Number(match?.[1] ?? match?.[2] ?? Number.NaN)
  if (!match || Number.isNaN(value) || (isWhole && !Number.isInteger(value))) return undefined
  return { value, rest: plain.replace(match[0], ' ') }
}

function choiceIn(text: string, { choices }: Field): string | undefined {
  const plain = text.toLowerCase()
  const isSaid = (word: string) =>
    isChinese(word)
      ? plain.includes(word)
      : ` ${plain.replace(/[^\p{L}\p{N}]+/gu, ' ')} `.includes(` ${word.toLowerCase()} `)
  const said = choices.filter(([, words]) => words.some(isSaid))
  return said.length === 1 ? said[0]![0] : undefined
}

const two = (number: number): string => String(number).padStart(2, '0')

/** As ISO 8601 writes it. */
function isoOf({ ms, days, months }: { ms: number; days: number; months: number }): string {
  const seconds = Math.round(ms / 1_000)
  const part = (value: number, unit: string) => (value > 0 ? `${value}${unit}` : '')
  const clock =
    part(Math.floor(seconds / 3_600), 'H') +
    part(Math.floor((seconds % 3_600) / 60), 'M') +
    part(seconds % 60, 'S')
  return `P${part(months, 'M')}${part(days, 'D')}${clock === '' ? '' : `T${clock}`}`
}
