import { addDuration, findDuration, findMoment } from '#shared/language/moments/moment.ts'
import type { MomentContext } from '#shared/language/moments/moment-context.ts'

const MAX_TEXT_LENGTH = 1_000

/** What is wanted of the reminders. `due` is missing when the time was not said. */
export type ReminderRequest =
  | { kind: 'reminder' | 'alarm'; text: string; due?: Date }
  | { kind: 'timer'; text: string; due?: Date }
  | { kind: 'list' }
  | { kind: 'cancel'; text: string; isAll: boolean }
  | { kind: 'recurring'; when: string }

const POLITE_PREFIX =
  /^(?:(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|and|also|so)\b|请|麻烦你?|你?能不能|可以|能|你|帮我|帮忙|给我|到时候)[,:，]?\s*)+/i
const POLITE_SUFFIX =
  /[\s.。!！?？,，;；~]*(?:(?:\b(?:please|pls|thanks|thank you|thx|ok|okay)\b|谢谢|好吗|好不好|可以吗|行吗|吧|哦|啊|呀)[\s.。!！?？,，~]*)*$/i

const LIST =
  /^(?:(?:list|show|see|read|display|view)\b.*\b(?:reminders?|alarms?|timers?)\b(?! to\b)|(?:tell|give) me .*\b(?:reminders|alarms|timers)\b|(?:what|which|how many|do i have|have i|are there|any|is there)\b.*\b(?:reminders?|alarms?|timers?)\b|(?:all )?(?:my )?(?:open |pending |upcoming )?reminders$|what (?:will|are) you (?:going to )?remind(?:ing)? me\b)/i
const LIST_ZH =
  /^(?:(?:列出|列一下|查看|看看|看一下|看|显示|有|告诉我|查一下|查询|查).{0,8}(?:提醒|闹钟|定时器)|(?:我|现在|今天)?.{0,6}(?:有|还有|设了|设置了)(?:哪些|什么|几个|多少).{0,6}(?:提醒|闹钟|定时器)|还?有.{0,3}(?:什么|哪些|几个)?.{0,2}(?:提醒|闹钟|定时器).*|(?:所有|全部|我)的?(?:所有的?|全部)?(?:提醒|闹钟|定时器)(?:列表)?)(?:有哪些|是什么)?$/
const CANCEL =
  /^(?:cancel|never mind|forget|delete|remove|drop|clear|stop|turn off|switch off|get rid of|dismiss|erase)\b\s*(.*\b(?:reminders?|alarms?|timers?)\b.*)$/i
const CANCEL_ALTERNATIVE = /^(?:don't|do not|you need not|no need to|stop) remind(?:ing)? me\b(.*)$/i
const CANCEL_ZH =
  /^(?:取消|删除|删掉|删了|去掉|关掉|关闭|清除|清空|移除|撤销|停止)(.*(?:提醒|闹钟|定时器|计时器).*)$/
const CANCEL_ALTERNATIVE_ZH =
  /^(?:不用|不要|别|不必|无需)再?提醒我?了?(.*)$|^把(.*(?:提醒|闹钟|定时器).*?)(?:取消|删除|删掉|删了|去掉|关掉)掉?了?$/
const ALL_REMINDERS = /\b(?:all|every|everything)\b|\breminders$|\balarms$|\btimers$|所有|全部|一切|清空/i
const NON_SUBJECT_WORDS =
  /\b(?:all|every|of|the|my|our|that|this|set|called|named|reminders?|alarms?|timers?|to|about|for|at)\b|提醒我?|闹钟|定时器|计时器|所有|全部|关于|那个|这个|我的|的/gi

const RECURRING =
  /\b(?:every|each)\s+(?:(?:other|second|single|\d+|two|three|few|last|first)\s+)*(?:day|morning|noon|afternoon|evening|night|week(?:day|end)?|month|year|hour|minute|second|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?s?\b|\b(?:daily|weekly|monthly|hourly|yearly|annually)(?:\s+(?:at|on|to|please)\b|\s*$)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|\bonce an? (?:day|week|month|hour)\b|每(?:一|隔|个|两|三|\d)?.{0,3}(?:天|日|周|月|年|星期|礼拜|小时|分钟|早|晚|上午|中午|下午)|天天|日日/i

/** Ways to ask for one; what follows is the text, the time still in it. */
const SET_REMINDER =
  /\b(?:(?:be )?reminded|(?:remind|notify|alert|ping|nudge)(?: ?me)?|(?:set|make|create|add|give me|schedule|need|want|put|start)(?: me)?(?: up)?(?: an?| the| another)?(?: new)? (?:reminder|alert)|reminder)\b(?: again)?|(?:设置?|定|建|加|创建|添加|新建|来)?(?:一?个|1个)?(?:的)?提醒(?:一下|下)?我?(?:一下|下)?|别让我忘(?:了|记)?/i
const DO_NOT_FORGET =
  /\b(?:do not|don't|dont|never) (?:let me )?forget\b(?= to\b| about\b)|\bremember(?= to\b)|\b(?:do not|don't|dont) let me forget\b/i
/** These ask for a reminder only together with a time. */
const NEEDS_TIME =
  /\b(?:let me know|tell me|call me|text me)\b|叫我|通知我|喊我|告诉我|记得|(?:别|不要)忘(?:了|记)?/i
const ALARM = /\b(?:wake me(?: up)?|(?:an? |the |my )?alarm)\b|闹钟|叫醒我?|叫我起床|喊我起床/i
const TIMER = /\b(?:timer|countdown|count down)\b|定时器?|计时器?|倒计时/i

/** What a person wants of their reminders; undefined when it is something else. */
export async function parseReminderRequest(
  said: string,
  context: Omit<MomentContext, 'morning'>,
): Promise<ReminderRequest | undefined> {
  if (said.length > MAX_TEXT_LENGTH) return undefined
  const text = said.trim().replaceAll('’', "'").replace(POLITE_PREFIX, '').replace(POLITE_SUFFIX, '')
  if (LIST.test(text) || LIST_ZH.test(text.replace(/\s/g, ''))) return { kind: 'list' }
  const cancelTarget = findCancelTarget(text)
  if (cancelTarget !== undefined)
    return {
      kind: 'cancel',
      isAll: ALL_REMINDERS.test(cancelTarget) && cancelTarget.replace(NON_SUBJECT_WORDS, '').trim() === '',
      text: cancelTarget.replace(NON_SUBJECT_WORDS, ' ').replace(/\s+/g, ' ').trim(),
    }
  const pattern = [TIMER, ALARM, SET_REMINDER, DO_NOT_FORGET, NEEDS_TIME].find(each => each.test(text))
  if (!pattern) return undefined
  const recurrence = findRecurrence(text)
  if (recurrence && pattern !== NEEDS_TIME) return { kind: 'recurring', when: recurrence }
  if (pattern === TIMER) return parseTimer(text, context)
  const request = await parseReminder(text, pattern, { ...context, morning: pattern === ALARM })
  return pattern === NEEDS_TIME && !request.due ? undefined : request
}

/** The words that ask for a reminder again and again. */
export const findRecurrence = (text: string): string | undefined => RECURRING.exec(text)?.[0]

function findCancelTarget(text: string): string | undefined {
  const match =
    CANCEL.exec(text) ??
    CANCEL_ALTERNATIVE.exec(text) ??
    CANCEL_ZH.exec(text) ??
    CANCEL_ALTERNATIVE_ZH.exec(text)
  return match?.slice(1).find(part => part !== undefined)
}

/** A timer runs for a length of time. */
async function parseTimer(text: string, context: Omit<MomentContext, 'morning'>): Promise<ReminderRequest> {
  const durationMatch = findDuration(text)
  if (!durationMatch) return { kind: 'timer', text: '' }
  const due = addDuration(context.saidAt, durationMatch.duration, context.timeZone)
  return { kind: 'timer', text: extractSubject(durationMatch.rest, TIMER), due }
}

async function parseReminder(
  text: string,
  pattern: RegExp,
  context: MomentContext,
): Promise<ReminderRequest & { due?: Date }> {
  const found = await findMoment(text, context)
  const about = extractSubject(found?.rest ?? text, pattern)
  const kind = pattern === ALARM ? 'alarm' : 'reminder'
  return found ? { kind, text: about, due: found.due } : { kind, text: about }
}

/** What leads up to the text after the asking, and what is left over behind it. */
const LEADING_FILLERS =
  /^(?:(?:to|that|about|of|for|saying|when|it's time|the|an?)\b[,:]?\s*|[,:;，：；。\s"“”-]+|叫我|提醒我|我|要|说|是|关于|一下|的|去(?=$))+/i
const TRAILING_FILLERS = /(?:\s+(?:to|at|by|for|that|about|and)|[\s,:;，：；。"“”-]|的|请|在|到|一个|个)+$/i
/** Around a text that comes before the asking: "set a pizza timer", "tomorrow at 6 I need a reminder". */
const LEADING_FILLERS_BEFORE_REQUEST =
  /^(?:(?:and|also|please|i|want|need|set|start|make|create|add|give|me|put|an?|the|my|new|so|up|have|to)\b[,:]?\s*|[,:;，：；。\s"“”-]+|请|在|到|帮我|给我|我要|我想|设置?|定|建|来|一个|1个|个|的|要|我|再|记得)+/i
const TRAILING_FILLERS_BEFORE_REQUEST =
  /(?:\s*\b(?:to|at|on|in|for|an?|the|and|please|me|new|set|i|need)|[\s,:;，：；。"“”-]|的|请|在|到|一个|个|给我|帮我|设置?|定|来)+$/i

/** What is left when the asking and the time are taken out, the words that framed them too. */
function extractSubject(rest: string, pattern: RegExp): string {
  const match = pattern.exec(rest)
  if (!match) return trimFillers(rest, LEADING_FILLERS, TRAILING_FILLERS)
  const tail = trimFillers(rest.slice(match.index + match[0].length), LEADING_FILLERS, TRAILING_FILLERS)
  return (
    tail ||
    trimFillers(rest.slice(0, match.index), LEADING_FILLERS_BEFORE_REQUEST, TRAILING_FILLERS_BEFORE_REQUEST)
  )
}

const trimFillers = (text: string, lead: RegExp, end: RegExp): string =>
  text.trim().replace(lead, '').replace(end, '').trim()
