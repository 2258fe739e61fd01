import { type Fact, requestedFact } from './facts.ts'
import { contentCharacters, contentWords, isChinese } from './words.ts'

/** What a message wants of memory itself. */
export type MemoryRequest =
  | { kind: 'remember'; fact: Fact }
  | { kind: 'list' }
  | { kind: 'forget'; about: string }
  | { kind: 'forget-all' }

const LIST = [
  /^(?:so,? )?(?:tell me )?what (?:do|did|have) you (?:know|remember|learn(?:ed|t)?|have stored|saved?) (?:about|on) me\b/i,
  /^(?:tell me |show me |list )?(?:everything|all) (?:that )?you (?:know|remember) about me\b/i,
  /^(?:show|list) (?:me )?(?:all )?(?:my |your )memories\b/i,
  /^你(?:都)?(?:知道|了解|记得|记住了?)(?:关于)?我(?:的)?(?:些|哪些)?(?:什么|事情|信息|事)/u,
  /^关于我你(?:都)?(?:知道|记得)/u,
  /^你(?:都)?记(?:得|住)了?(?:些)?什么/u,
]
const FORGET =
  /^(?:please |can you |could you |you can )*forget (?:about |that |what i said about |what you know about )?(.+)$/is
const FORGET_ZH =
  /^(?:请|你|可以|帮我)*(?:忘记|忘掉|忘了|不要再?记得?|别再记得?)(?:关于|掉)?(.+?)(?:的(?:事情?|信息))?$/su
const FORGET_THAT_ZH = /^(?:请|你|帮我)*把(.+?)(?:忘记|忘掉|忘了)(?:吧)?$/su
const EVERYTHING =
  /^(?:everything|all)(?: (?:that )?you know)?(?: (?:about|on) me)?$|^(?:me|my memories|all my memories)$/i
const EVERYTHING_ZH = /^(?:一切|所有|全部|所有事情?|我的?一切|我的所有|我)(?:记忆|信息|事情?)?$/u
/** Things that other skills keep. */
const ELSEWHERE = /\b(?:reminders?|notes?|alarms?|timers?)\b|提醒|笔记|闹钟|定时/i
/** Forgetting that is no wish about memory: "forget it", "I forgot", "forget to". */
const IDLE = /^(?:it|this|that|him|her|them|to\b.*|how\b.*)$|^(?:它|这个?|那个?|吧|了)$/i

/** What a text asks of memory; undefined when it asks nothing of it. */
export function requestIn(said: string): MemoryRequest | undefined {
  const text = said
    .trim()
    .replace(/[\s.。!！?？]+$/u, '')
    .replaceAll('’', "'")
  if (LIST.some(form => form.test(text))) return { kind: 'list' }
  const about = forgottenIn(text)?.trim()
  if (about !== undefined && !ELSEWHERE.test(about) && !IDLE.test(about)) return forgetting(about)
  const fact = requestedFact(said)
  return fact && { kind: 'remember', fact }
}

const forgottenIn = (text: string): string | undefined =>
  isChinese(text) ? (FORGET_ZH.exec(text) ?? FORGET_THAT_ZH.exec(text))?.[1] : FORGET.exec(text)?.[1]

function forgetting(about: string): MemoryRequest | undefined {
  if (EVERYTHING.test(about) || EVERYTHING_ZH.test(about)) return { kind: 'forget-all' }
  return contentWords(about).length + contentCharacters(about).length > 0
    ? { kind: 'forget', about }
    : undefined
}

/** Whether a memory holds all that `about` names. */
export const isAbout = (text: string, about: string): boolean => {
  const words = contentWords(text)
  return (
    contentWords(about).every(word => words.includes(word)) &&
    contentCharacters(text).includes(contentCharacters(about))
  )
}
