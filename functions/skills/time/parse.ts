import { isChinese } from '#shared/language/detection.ts'
import { chinesePlaceIn, placeNamed } from './places.ts'

export type TimeInput = { zone?: string; day?: number }

const ASKS =
  /\b(what|what's|whats|which|tell me|give me|know|current|local|have|got)\b.*\b(time|date|day|weekday|year|month|week)\b|^(the )?(current |local )?(time|date|day|weekday)\b|\b(time|date|day) (is it|today|now)\b|\btoday\b.*\b(weekday|day|date)\b/i
/** Words that make it a question about something else's time. */
const ABOUT_ELSE =
  /\b(best|does|do (?!(you|we) (know|have|got)\b)|did|will (?!it be\b)|should|open|close|start|begin|end|meeting|flight|train|bus|movie|game|leave|arrive|my|your|how|when|who|christmas|easter|was|were|born|year of|born|birthday|of (the )?(?!day|the week|week|today|month|year))\b/i
const ASKS_ZH =
  /几点|几号|几月|星期几|周几|礼拜几|哪天|哪一天|什么时间|什么时候|什么日期|几几年|哪一年|时间|日期/
const ABOUT_ELSE_ZH =
  /我的|开门|关门|开始|结束|出发|到达|火车|飞机|航班|会议|生日|节|最好|多久|多长|过得|应该|起床|睡/
const DAYS: [RegExp, number][] = [
  [/\bday after tomorrow\b|后天/, 2],
  [/\btomorrow\b|明天/, 1],
  [/\bday before yesterday\b|前天/, -2],
  [/\byesterday\b|昨天/, -1],
]
const PLACE =
  /\bin\s+(?:the\s+)?([\p{L}][\p{L}\s/_.'-]*?)(?:\s+(?:right now|now|at the moment|please|today|tomorrow|currently|time))?[?!.,]*$/iu
const PLACE_FIRST =
  /^(?:what is |what's )?(?:the )?(?:current )?([\p{L}][\p{L}\s]*?) time(?: now| right now| please)?[?!.]*$/iu

/** What is asked of the clock; null when the text asks for something else. */
export function readTime(text: string): TimeInput | null {
  const chinese = isChinese(text)
  const asks = chinese
    ? ASKS_ZH.test(text) && !ABOUT_ELSE_ZH.test(text)
    : (ASKS.test(text) || placeFirst(text) !== undefined) && !ABOUT_ELSE.test(text)
  if (!asks) return null
  const zone = chinese ? chinesePlaceIn(text) : (PLACE.exec(text)?.[1] ?? placeFirst(text))
  const day = DAYS.find(([word]) => word.test(text.toLowerCase()))?.[1]
  return { ...(zone === undefined ? {} : { zone }), ...(day === undefined ? {} : { day }) }
}

/** "Tokyo time": only where the word is a place, since so much else may stand before "time". */
function placeFirst(text: string): string | undefined {
  const name = PLACE_FIRST.exec(text)?.[1]
  return name && placeNamed(name) ? name : undefined
}
