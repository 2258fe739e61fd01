import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Language } from '#shared/contract/events/event-types.ts'
import { formatDateTime } from '#shared/language/dates.ts'
import type { Turn } from './state.ts'

/** What dialog itself says, in the person's language. */

type LocalizedText = Record<Language, string>

export const interruptedText: LocalizedText = { en: '(Interrupted.)', zh: '（已中断）' }
export const noAnswerText: LocalizedText = {
  en: 'The language model gave no answer. Please ask again in other words.',
  zh: '语言模型没有给出回答，请换个说法再问一次。',
}
export const queueFullText: LocalizedText = {
  en: 'Too many messages are waiting for an answer, so this one was not taken. Please send it again later.',
  zh: '等待回答的消息太多，这一条没有被接受，请稍后再发。',
}
export const freshStartText: LocalizedText = {
  en: 'A fresh start: what was said before is not considered any more.',
  zh: '重新开始：之前的对话不再考虑。',
}
export const nothingToStopText: LocalizedText = { en: 'Nothing is running.', zh: '没有正在进行的回答。' }
export const stoppedText: LocalizedText = { en: 'Stopped.', zh: '已停止。' }

export const neverMindText: LocalizedText = { en: 'All right, never mind.', zh: '好的，那就算了。' }
export const whichSkillQuestion = (first: string, second: string, language: Language): string =>
  language === 'zh' ? `你是指“${first}”还是“${second}”？` : `Did you mean ${first} or ${second}?`

/** To the model. */
export const toolFailedText = 'The tool failed and gave no result.'

export const unknownCommandText = (command: string, language: Language): string =>
  language === 'zh'
    ? `没有 /${command} 这个命令。发送 /help 查看可用的命令。`
    : `There is no command /${command}. Send /help to see what there is.`

const commandListText: LocalizedText = {
  en: '/help: this list\n/new: a fresh start\n/stop: stops the answer and what waits\n/status: what is being done',
  zh: '/help：这份列表\n/new：重新开始\n/stop：停止当前的回答和等待的消息\n/status：正在做什么',
}

export function helpText(name: string, skills: SkillManifest[], language: Language): string {
  const skillLines = skills.map(skill => `- ${skill.name}: ${skill.description}`).join('\n')
  const parts =
    language === 'zh'
      ? [
          `我是 ${name}。有什么问题都可以问我。`,
          skillLines && `我的技能：\n${skillLines}`,
          `命令：\n${commandListText.zh}`,
        ]
      : [
          `I am ${name}. Ask me anything.`,
          skillLines && `My skills:\n${skillLines}`,
          `Commands:\n${commandListText.en}`,
        ]
  return parts.filter(part => part !== '').join('\n\n')
}

export function statusText(turn: Turn | null, waiting: number, language: Language): string {
  if (language === 'zh')
    return `${activityText(turn, 'zh')}${waiting > 0 ? `有 ${waiting} 条消息在等待。` : ''}`
  const queue = waiting === 1 ? ' 1 message waits.' : ` ${waiting} messages wait.`
  return `${activityText(turn, 'en')}${waiting > 0 ? queue : ''}`
}

function activityText(turn: Turn | null, language: Language): string {
  if (!turn) return { en: 'Nothing is running.', zh: '没有正在进行的回答。' }[language]
  const { stage } = turn
  if (stage.kind === 'model')
    return { en: 'The language model is writing an answer.', zh: '语言模型正在回答。' }[language]
  const skills = stage.kind === 'skill' ? [stage.skill] : stage.calls.map(({ skill }) => skill)
  const names = [...new Set(skills)].join(', ')
  return { en: `At work: ${names}.`, zh: `正在使用：${names}。` }[language]
}

/** Which part of Lares failed, as people call it. */
function failedPartName(type: string, language: Language): string {
  const skill = /^lares\.skill\.(.+)\.requested$/.exec(type)?.[1]
  if (skill) return { en: `the skill "${skill}"`, zh: `技能“${skill}”` }[language]
  return (partNames[type] ?? { en: 'the conversation', zh: '对话' })[language]
}

const partNames: Record<string, LocalizedText> = {
  'lares.message.received': { en: 'understanding the message', zh: '理解消息' },
  'lares.message.transcribed': { en: 'understanding the message', zh: '理解消息' },
  'lares.intent.recognised': { en: 'the memory', zh: '记忆' },
  'lares.prompt.composed': { en: 'the language model', zh: '语言模型' },
}

export function apologyText(type: string, errorCode: string, language: Language): string {
  const part = failedPartName(type, language)
  const isSlow = errorCode === 'deadline_exceeded'
  if (language === 'zh')
    return `抱歉，这条消息我没能回答：${part}${isSlow ? '用时过长' : '出了问题'}。请稍后再试。`
  return `Sorry, I could not answer this: ${part} ${isSlow ? 'took too long' : 'failed'}. Please try again later.`
}

const REMINDER_LATE_AFTER_MS = 2 * 60_000

export type FiredReminder = {
  text: string
  dueAt: string
  firedAt: string
  language: Language
  timeZone: string
}

export function reminderText({ text, dueAt, firedAt, language, timeZone }: FiredReminder): string {
  const isLate = Date.parse(firedAt) - Date.parse(dueAt) > REMINDER_LATE_AFTER_MS
  if (!isLate) return { en: `Reminder: ${text}`, zh: `提醒：${text}` }[language]
  const due = formatDateTime(new Date(dueAt), timeZone, language)
  return { en: `Reminder, late: ${text} (due ${due})`, zh: `迟到的提醒：${text}（原定 ${due}）` }[language]
}
