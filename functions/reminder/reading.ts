import { type Asked, findLength, findMoment, later } from './moment.ts'

const MAX_LENGTH = 1_000

/** What is wanted of the reminders. `due` is missing when the time was not said. */
export type ReminderWish =
  | { kind: 'reminder'; text: string; due?: Date }
  | { kind: 'timer'; text: string; due?: Date }
  | { kind: 'list' }
  | { kind: 'cancel'; text: string; isAll: boolean }
  | { kind: 'recurring'; when: string }

const POLITE =
  /^(?:(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want you to|and|also|so)\b|请|麻烦你?|你?能不能|可以|能|你|帮我|帮忙|给我|到时候)[,:，]?\s*)+/i
const END =
  /[\s.。!！?？,，;；~]*(?:(?:\b(?:please|pls|thanks|thank you|thx|ok|okay)\b|谢谢|好吗|好不好|可以吗|行吗|吧|哦|啊|呀)[\s.。!！?？,，~]*)*$/i

const LIST =
  /^(?:(?:list|show|see|read|display|view)\b.*\b(?:reminders?|alarms?|timers?)\b(?! to\b)|(?:tell|give) me .*\b(?:reminders|alarms|timers)\b|(?:what|which|how many|do i have|have i|are there|any|is there)\b.*\b(?:reminders?|alarms?|timers?)\b|(?:all )?(?:my )?(?:open |pending |upcoming )?reminders$|what (?:will|are) you (?:going to )?remind(?:ing)? me\b)/i
const LIST_ZH =
  /^(?:(?:列出|列一下|查看|看看|看一下|看|显示|有|告诉我|查一下|查询|查).{0,8}(?:提醒|闹钟|定时器)|(?:我|现在|今天)?.{0,6}(?:有|还有|设了|设置了)(?:哪些|什么|几个|多少).{0,6}(?:提醒|闹钟|定时器)|还?有.{0,3}(?:什么|哪些|几个)?.{0,2}(?:提醒|闹钟|定时器).*|(?:所有|全部|我)的?(?:所有的?|全部)?(?:提醒|闹钟|定时器)(?:列表)?)(?:有哪些|是什么)?$/
const CANCEL =
  /^(?:cancel|delete|remove|drop|clear|stop|turn off|switch off|get rid of|dismiss|erase)\b\s*(.*\b(?:reminders?|alarms?|timers?)\b.*)$/i
const CANCEL_ALSO = /^(?:don't|do not|you need not|no need to|stop) remind(?:ing)? me\b(.*)$/i
const CANCEL_ZH =
  /^(?:取消|删除|删掉|删了|去掉|关掉|关闭|清除|清空|移除|撤销|停止)(.*(?:提醒|闹钟|定时器|计时器).*)$/
const CANCEL_ALSO_ZH =
  /^(?:不用|不要|别|不必|无需)再?提醒我?了?(.*)$|^把(.*(?:提醒|闹钟|定时器).*?)(?:取消|删除|删掉|删了|去掉|关掉)掉?了?$/
const ALL = /\b(?:all|every|everything)\b|\breminders$|\balarms$|\btimers$|所有|全部|一切|清空/i
const THINGS =
  /\b(?:all|every|of|the|my|our|that|this|set|called|named|reminders?|alarms?|timers?|to|about|for|at)\b|提醒我?|闹钟|定时器|计时器|所有|全部|关于|那个|这个|我的|的/gi

const RECURRING =
  /\b(?:every|each)\s+(?:(?:other|second|single|\d+|two|three|few|last|first)\s+)*(?:day|morning|noon|afternoon|evening|night|week(?:day|end)?|month|year|hour|minute|second|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?s?\b|\b(?:daily|weekly|monthly|hourly|yearly|annually)(?:\s+(?:at|on|to|please)\b|\s*$)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|\bonce an? (?:day|week|month|hour)\b|每(?:一|隔|个|两|三|\d)?.{0,3}(?:天|日|周|月|年|星期|礼拜|小时|分钟|早|晚|上午|中午|下午)|天天|日日/i

/** Ways to ask for one; what follows is the text, the time still in it. */
const SET =
  /\b(?:(?:remind|notify|alert|ping|nudge)(?: me)?|(?:set|make|create|add|give me|schedule|need|want|put|start)(?: me)?(?: up)?(?: an?| the| another)?(?: new)? (?:reminder|alert)|reminder)\b(?: again)?/i
const FORGET =
  /\b(?:do not|don't|dont|never) (?:let me )?forget\b(?= to\b| about\b)|\bremember(?= to\b)|\b(?:do not|don't|dont) let me forget\b/i
/** These ask for a reminder only together with a time. */
const WEAK =
  /\b(?:let me know|tell me|call me|text me)\b|叫我|通知我|喊我|告诉我|记得|(?:别|不要)忘(?:了|记)?/i
const ALARM = /\b(?:wake me(?: up)?|(?:an? |the |my )?alarm)\b/i
const TIMER = /\b(?:timer|countdown|count down)\b/i
const SET_ZH =
  /(?:设置?|定|建|加|创建|添加|新建|来)?(?:一?个|1个)?(?:的)?提醒(?:一下|下)?我?(?:一下|下)?|别让我忘(?:了|记)?/
const ALARM_ZH = /闹钟|叫醒我?|叫我起床|喊我起床/
const TIMER_ZH = /定时器?|计时器?|倒计时/
const HAN = /\p{Script=Han}/u

/** What a person wants of their reminders; undefined when it is something else. */
export async function readWish(
  said: string,
  asked: Omit<Asked, 'morning'>,
): Promise<ReminderWish | undefined> {
  if (said.length > MAX_LENGTH) return undefined
  const text = said.trim().replaceAll('’', "'").replace(POLITE, '').replace(END, '')
  if (LIST.test(text) || LIST_ZH.test(text.replace(/\s/g, ''))) return { kind: 'list' }
  const cancelled = cancelledIn(text)
  if (cancelled !== undefined)
    return {
      kind: 'cancel',
      isAll: ALL.test(cancelled) && cancelled.replace(THINGS, '').trim() === '',
      text: cancelled.replace(THINGS, ' ').replace(/\s+/g, ' ').trim(),
    }
  const isChinese = HAN.test(text)
  const [alarm, timer, set] = isChinese ? [ALARM_ZH, TIMER_ZH, SET_ZH] : [ALARM, TIMER, SET]
  const form = [timer, alarm, set, FORGET, WEAK].find(each => each.test(text))
  if (!form) return undefined
  const again = recurrenceIn(text)
  if (again && form !== WEAK) return { kind: 'recurring', when: again }
  if (form === timer) return timerIn(text, timer, asked)
  const wish = await setIn(text, form, { ...asked, morning: form === alarm })
  return form === WEAK && !wish.due ? undefined : wish
}

/** The words that ask for a reminder again and again. */
export const recurrenceIn = (text: string): string | undefined => RECURRING.exec(text)?.[0]

function cancelledIn(text: string): string | undefined {
  const match =
    CANCEL.exec(text) ?? CANCEL_ALSO.exec(text) ?? CANCEL_ZH.exec(text) ?? CANCEL_ALSO_ZH.exec(text)
  return match?.slice(1).find(part => part !== undefined)
}

/** A timer runs for a length of time. */
async function timerIn(text: string, timer: RegExp, asked: Omit<Asked, 'morning'>): Promise<ReminderWish> {
  const length = findLength(text)
  if (!length) return { kind: 'timer', text: '' }
  const due = later(asked.saidAt, length.duration, asked.timeZone)
  return { kind: 'timer', text: subject(length.rest, timer), due }
}

async function setIn(text: string, form: RegExp, asked: Asked): Promise<ReminderWish & { due?: Date }> {
  const found = await findMoment(text, asked)
  const about = subject(found?.rest ?? text, form)
  return found ? { kind: 'reminder', text: about, due: found.due } : { kind: 'reminder', text: about }
}

const FRAME =
  /^(?:(?:and|also|please|i|want|need|set|up|start|make|create|add|give|me|put|an?|the|my|new|that|this|to|about|of|for|with|saying|at|on|in|when|it's|it is time|so)\b[,:]?\s*|[,:;，：；。\s"“”-]+|请|在|到|帮我|给我|我要|我想|设置?|定|建|来|一个|1个|个|的|要|去(?=$)|我|再|说|是|关于)+/i
const FRAME_END =
  /(?:\s*\b(?:to|at|on|in|for|that|about|and|an?|the|up|please|me)|[\s,:;，：；。"“”-]|的|请|在|到|一个|个|给我|帮我|设置?|定|来)+$/i

/** What is left when the asking and the time are taken out, the words that framed them too. */
function subject(rest: string, form: RegExp): string {
  const match = form.exec(rest)
  if (!match) return trimmed(rest)
  const [head, tail] = [rest.slice(0, match.index), rest.slice(match.index + match[0].length)]
  return trimmed(tail) || trimmed(head)
}

const trimmed = (text: string): string => text.replace(FRAME, '').replace(FRAME_END, '').trim()
