import type { SkillManifest } from '#shared/contract/catalogue.ts'
import { formatDateTime } from '#shared/language/date-format.ts'
import type { Activity, FailedPart } from '#shared/language/pack.ts'
import { packFor } from '#shared/language/packs.ts'
import type { Turn } from './state.ts'

/** The texts of dialog itself, in the person's language. */

/** For the model. */
export const toolFailedText = 'The tool failed and gave no result.'

export const phrasesIn = (language: string) => packFor(language).dialog

export function helpText(name: string, skills: SkillManifest[], language: string): string {
  const skillLines = skills.map(skill => `- ${skill.name}: ${skill.description}`).join('\n')
  return phrasesIn(language).help(name, skillLines)
}

export const statusText = (turn: Turn | null, waiting: number, language: string): string =>
  phrasesIn(language).status(activityOf(turn), waiting)

function activityOf(turn: Turn | null): Activity {
  if (!turn) return 'none'
  const { stage } = turn
  if (stage.kind === 'model') return 'model'
  const skills = stage.kind === 'skill' ? [stage.skill] : stage.calls.map(({ skill }) => skill)
  return { skills: [...new Set(skills)] }
}

/** The part of Lares that failed, by the type of the event that failed. */
function failedPart(type: string): FailedPart {
  const skill = /^lares\.skill\.(.+)\.requested$/.exec(type)?.[1]
  return skill ? { skill } : (PARTS[type] ?? 'conversation')
}

const PARTS: Readonly<Record<string, FailedPart>> = {
  'lares.message.received': 'understanding',
  'lares.message.transcribed': 'understanding',
  'lares.intent.recognised': 'memory',
  'lares.prompt.composed': 'model',
}

export const apologyText = (type: string, errorCode: string, language: string): string =>
  phrasesIn(language).apology(failedPart(type), errorCode === 'deadline_exceeded')

const REMINDER_LATE_AFTER_MS = 2 * 60_000

export type FiredReminder = {
  text: string
  dueAt: string
  firedAt: string
  language: string
  timeZone: string
}

export function reminderText({ text, dueAt, firedAt, language, timeZone }: FiredReminder): string {
  const isLate = Date.parse(firedAt) - Date.parse(dueAt) > REMINDER_LATE_AFTER_MS
  const phrases = phrasesIn(language)
  if (!isLate) return phrases.reminder(text)
  return phrases.lateReminder(text, formatDateTime(new Date(dueAt), timeZone, language))
}
