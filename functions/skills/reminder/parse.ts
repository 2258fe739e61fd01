import { packsReading } from '#shared/language/detection.ts'
import { strip } from '#shared/language/fillers.ts'
import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'
import type { LanguagePack } from '#shared/language/pack.ts'
import type { ReminderCue } from '#shared/language/skill-language.ts'

const MAX_TEXT_LENGTH = 1_000

/** A request about reminders. `due` is missing when the person gave no time. */
export type ReminderRequest =
  | { kind: 'reminder' | 'alarm'; text: string; due?: Date }
  | { kind: 'timer'; text: string; due?: Date }
  | { kind: 'list' }
  | { kind: 'cancel'; text: string; isAll: boolean }
  | { kind: 'recurring'; when: string }

type Context = Omit<MomentContext, 'morning'>
type Readers = readonly LanguagePack[]

/** The person's request about their reminders; undefined without one. */
export async function parseReminderRequest(
  said: string,
  context: Context,
): Promise<ReminderRequest | undefined> {
  if (said.length > MAX_TEXT_LENGTH) return undefined
  const readers = packsReading(said, context.language)
  const text = strip(
    said.trim().replaceAll('’', "'"),
    readers.map(({ reminder }) => reminder.politePrefix),
    readers.map(({ reminder }) => reminder.politeSuffix),
  )
  if (readers.some(({ reminder }) => reminder.isList(text))) return { kind: 'list' }
  const cancelTarget = findCancelTarget(text, readers)
  if (cancelTarget !== undefined) return toCancelRequest(cancelTarget, readers)
  const cue = findCue(text, readers)
  if (!cue) return undefined
  const [pattern, kind] = cue
  const recurrence = findRecurrence(text, context.language)
  if (recurrence && kind !== 'time') return { kind: 'recurring', when: recurrence }
  if (kind === 'timer') return parseTimer(text, pattern, context, readers)
  const request = await parseReminder(text, cue, context, readers)
  return kind === 'time' && !request.due ? undefined : request
}

/** The words that ask for a recurring reminder. */
export const findRecurrence = (text: string, language?: string): string | undefined =>
  packsReading(text, language)
    .map(({ reminder }) => reminder.recurrence.exec(text)?.[0])
    .find(found => found !== undefined)

const findCancelTarget = (text: string, readers: Readers): string | undefined =>
  readers
    .flatMap(({ reminder }) => reminder.cancel)
    .flatMap(form => form.exec(text)?.slice(1) ?? [])
    .find(part => part !== undefined)

function toCancelRequest(target: string, readers: Readers): ReminderRequest {
  const subject = readers
    .reduce((rest, { reminder }) => rest.replace(reminder.nonSubjectWords, ' '), target)
    .replace(/\s+/g, ' ')
    .trim()
  const isAll = subject === '' && readers.some(({ reminder }) => reminder.all.test(target))
  return { kind: 'cancel', isAll, text: subject }
}

type Cue = readonly [RegExp, ReminderCue]
const CUE_ORDER: readonly ReminderCue[] = ['timer', 'alarm', 'reminder', 'time']

/** The cue for a reminder in any of the languages of a text, the most certain first. */
const findCue = (text: string, readers: Readers): Cue | undefined =>
  readers
    .flatMap(({ reminder }) => reminder.cues)
    .toSorted((a, b) => CUE_ORDER.indexOf(a[1]) - CUE_ORDER.indexOf(b[1]))
    .find(([pattern]) => pattern.test(text))

/** Reads a timer, which runs for a length of time. */
function parseTimer(text: string, pattern: RegExp, context: Context, readers: Readers): ReminderRequest {
  const durationMatch = findDuration(text, context.language)
  if (!durationMatch) return { kind: 'timer', text: '' }
  const due = addDuration(context.saidAt, durationMatch.duration, context.timeZone)
  return { kind: 'timer', text: extractSubject(durationMatch.rest, pattern, readers), due }
}

async function parseReminder(
  text: string,
  [pattern, kind]: Cue,
  context: Context,
  readers: Readers,
): Promise<ReminderRequest & { due?: Date }> {
  const found = await findMoment(text, { ...context, morning: kind === 'alarm' })
  const about = extractSubject(found?.rest ?? text, pattern, readers)
  const request = { kind: kind === 'alarm' ? kind : 'reminder', text: about } as const
  return found ? { ...request, due: found.due } : request
}

/** The text without the cue, the time and the fillers around them. */
function extractSubject(rest: string, pattern: RegExp, readers: Readers): string {
  const match = pattern.exec(rest)
  if (!match) return trimFillers(rest, 'subjectFillers', readers)
  const tail = trimFillers(rest.slice(match.index + match[0].length), 'subjectFillers', readers)
  return tail || trimFillers(rest.slice(0, match.index), 'subjectFillersBefore', readers)
}

export const trimFillers = (
  text: string,
  fillers: 'subjectFillers' | 'subjectFillersBefore' | 'answerFillers',
  readers: Readers,
): string =>
  strip(
    text.trim(),
    readers.map(({ reminder }) => reminder[fillers].leading),
    readers.map(({ reminder }) => reminder[fillers].trailing),
  )
