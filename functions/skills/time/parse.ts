import { containsChinese } from '#shared/language/detection.ts'
import { findChinesePlace, findPlace } from './places.ts'

export type TimeInput = { zone?: string; day?: number }

const TIME_QUESTION =
  /\b(what|what's|whats|which|tell me|give me|know|current|local|have|got)\b.*\b(time|date|day|weekday|year|month|week)\b|^(the )?(current |local )?(time|date|day|weekday)\b|\b(time|date|day) (is it|today|now)\b|\btoday\b.*\b(weekday|day|date)\b/i
/** Words that make it a question about something else's time. */
const ABOUT_SOMETHING_ELSE =
  /\b(best|does|do (?!(you|we) (know|have|got)\b)|did|will (?!it be\b)|should|open|close|start|begin|end|meeting|flight|train|bus|movie|game|leave|arrive|my|your|how|when|who|christmas|easter|was|were|born|year of|born|birthday|of (the )?(?!day|the week|week|today|month|year))\b/i
const TIME_QUESTION_ZH =
  /几点|几号|几月|星期几|周几|礼拜几|哪天|哪一天|什么时间|什么时候|什么日期|几几年|哪一年|时间|日期/
const ABOUT_SOMETHING_ELSE_ZH =
  /我的|开门|关门|开始|结束|出发|到达|火车|飞机|航班|会议|生日|节|最好|多久|多长|过得|应该|起床|睡/
const DAY_OFFSETS: [RegExp, number][] = [
  [/\bday after tomorrow\b|后天/, 2],
  [/\btomorrow\b|明天/, 1],
  [/\bday before yesterday\b|前天/, -2],
  [/\byesterday\b|昨天/, -1],
]
const IN_PLACE =
  /\bin\s+(?:the\s+)?([\p{L}][\p{L}\s/_.'-]*?)(?:\s+(?:right now|now|at the moment|please|today|tomorrow|currently|time))?[?!.,]*$/iu
const PLACE_BEFORE_TIME =
  /^(?:what is |what's )?(?:the )?(?:current )?([\p{L}][\p{L}\s]*?) time(?: now| right now| please)?[?!.]*$/iu

/** What is asked of the clock; null when the text asks for something else. */
export function parseTimeRequest(text: string): TimeInput | null {
  const chinese = containsChinese(text)
  const asks = chinese
    ? TIME_QUESTION_ZH.test(text) && !ABOUT_SOMETHING_ELSE_ZH.test(text)
    : (TIME_QUESTION.test(text) || placeBeforeTime(text) !== undefined) && !ABOUT_SOMETHING_ELSE.test(text)
  if (!asks) return null
  const zone = chinese ? findChinesePlace(text) : (IN_PLACE.exec(text)?.[1] ?? placeBeforeTime(text))
  const day = DAY_OFFSETS.find(([word]) => word.test(text.toLowerCase()))?.[1]
  return { ...(zone === undefined ? {} : { zone }), ...(day === undefined ? {} : { day }) }
}

/** "Tokyo time": only where the word is a place, since so much else may stand before "time". */
function placeBeforeTime(text: string): string | undefined {
  const name = PLACE_BEFORE_TIME.exec(text)?.[1]
  return name && findPlace(name) ? name : undefined
}
