import { type Asked, findLength, findMoment, later } from '#shared/language/moments/moment.ts'

const MAX_LENGTH = 1_000

/** What is wanted of the reminders. `due` is missing when the time was not said. */
export type ReminderWish =
  | { kind: 'reminder' | 'alarm'; text: string; due?: Date }
  | { kind: 'timer'; text: string; due?: Date }
  | { kind: 'list' }
  | { kind: 'cancel'; text: string; isAll: boolean }
  | { kind: 'recurring'; when: string }

const POLITE =
  /^(?:(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|and|also|so)\b|请|麻烦你?|你?能不能|可以|能|你|帮我|帮忙|给我|到时候)[,:，]?\s*)+/i
const END =
  /[\s.。!！?？,，;；~]*(?:(?:\b(?:please|pls|thanks|thank you|thx|ok|okay)\b|谢谢|好吗|好不好|可以吗|行吗|吧|哦|啊|呀)[\s.。!！?？,，~]*)*$/i

const LIST =
  /^(?:(?:list|show|see|read|display|view)\b.*\b(?:reminders?|alarms?|timers?)\b(?! to\b)|(?:tell|give) me .*\b(?:reminders|alarms|timers)\b|(?:what|which|how many|do i have|have i|are there|any|is there)\b.*\b(?:reminders?|alarms?|timers?)\b|(?:all )?(?:my )?(?:open |pending |upcoming )?reminders$|what (?:will|are) you (?:going to )?remind(?:ing)? me\b)/i
const LIST_ZH =
  /^(?:(?:列出|列一下|查看|看看|看一下|看|显示|有|告诉我|查一下|查询|查).{0,8}(?:提醒|闹钟|定时器)|(?:我|现在|今天)?.{0,6}(?:有|还有|设了|设置了)(?:哪些|什么|几个|多少).{0,6}(?:提醒|闹钟|定时器)|还?有.{0,3}(?:什么|哪些|几个)?.{0,2}(?:提醒|闹钟|定时器).*|(?:所有|全部|我)的?(?:所有的?|全部)?(?:提醒|闹钟|定时器)(?:列表)?)(?:有哪些|是什么)?$/
const CANCEL =
  /^(?:cancel|never mind|forget|delete|remove|drop|clear|stop|turn off|switch off|get rid of|dismiss|erase)\b\s*(.*\b(?:reminders?|alarms?|timers?)\b.*)$/i
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
  /\b(?:(?:be )?reminded|(?:remind|notify|alert|ping|nudge)(?: ?me)?|(?:set|make|create|add|give me|schedule|need|want|put|start)(?: me)?(?: up)?(?: an?| the| another)?(?: new)? (?:reminder|alert)|reminder)\b(?: again)?|(?:设置?|定|建|加|创建|添加|新建|来)?(?:一?个|1个)?(?:的)?提醒(?:一下|下)?我?(?:一下|下)?|别让我忘(?:了|记)?/i
const FORGET =
  /\b(?:do not|don't|dont|never) (?:let me )?forget\b(?= to\b| about\b)|\bremember(?= to\b)|\b(?:do not|don't|dont) let me forget\b/i
/** These ask for a reminder only together with a time. */
const WEAK =
  /\b(?:let me know|tell me|call me|text me)\b|叫我|通知我|喊我|告诉我|记得|(?:别|不要)忘(?:了|记)?/i
const ALARM = /\b(?:wake me(?: up)?|(?:an? |the |my )?alarm)\b|闹钟|叫醒我?|叫我起床|喊我起床/i
const TIMER = /\b(?:timer|countdown|count down)\b|定时器?|计时器?|倒计时/i

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
  const form = [TIMER, ALARM, SET, FORGET, WEAK].find(each => each.test(text))
  if (!form) return undefined
  const again = recurrenceIn(text)
  if (again && form !== WEAK) return { kind: 'recurring', when: again }
  if (form === TIMER) return timerIn(text, asked)
  const wish = await setIn(text, form, { ...asked, morning: form === ALARM })
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
async function timerIn(text: string, asked: Omit<Asked, 'morning'>): Promise<ReminderWish> {
  const length = findLength(text)
  if (!length) return { kind: 'timer', text: '' }
  const due = later(asked.saidAt, length.duration, asked.timeZone)
  return { kind: 'timer', text: subject(length.rest, TIMER), due }
}

async function setIn(text: string, form: RegExp, asked: Asked): Promise<ReminderWish & { due?: Date }> {
  const found = await findMoment(text, asked)
  const about = subject(found?.rest ?? text, form)
  const kind = form === ALARM ? 'alarm' : 'reminder'
  return found ? { kind, text: about, due: found.due } : { kind, text: about }
}

/** What leads up to the text after the asking, and what is left over behind it. */
const LEAD =
  /^(?:(?:to|that|about|of|for|saying|when|it's time|the|an?)\b[,:]?\s*|[,:;，：；。\s"“”-]+|叫我|提醒我|我|要|说|是|关于|一下|的|去(?=$))+/i
const LEFT_OVER = /(?:\s+(?:to|at|by|for|that|about|and)|[\s,:;，：；。"“”-]|的|请|在|到|一个|个)+$/i
/** Around a text that comes before the asking: "set a pizza timer", "tomorrow at 6 I need a reminder". */
const BEFORE =
  /^(?:(?:and|also|please|i|want|need|set|start|make|create|add|give|me|put|an?|the|my|new|so|up|have|to)\b[,:]?\s*|[,:;，：；。\s"“”-]+|请|在|到|帮我|给我|我要|我想|设置?|定|建|来|一个|1个|个|的|要|我|再|记得)+/i
const BEHIND =
  /(?:\s*\b(?:to|at|on|in|for|an?|the|and|please|me|new|set|i|need)|[\s,:;，：；。"“”-]|的|请|在|到|一个|个|给我|帮我|设置?|定|来)+$/i

/** What is left when the asking and the time are taken out, the words that framed them too. */
function subject(rest: string, form: RegExp): string {
  const match = form.exec(rest)
  if (!match) return between(rest, LEAD, LEFT_OVER)
  const tail = between(rest.slice(match.index + match[0].length), LEAD, LEFT_OVER)
  return tail || between(rest.slice(0, match.index), BEFORE, BEHIND)
}

const between = (text: string, lead: RegExp, end: RegExp): string =>
  text.trim().replace(lead, '').replace(end, '').trim()
