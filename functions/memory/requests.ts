import type { Fact } from '#shared/knowledge/memories.ts'
import { contentCharacters, contentWords } from '#shared/knowledge/tokens.ts'
import { containsChinese } from '#shared/language/detection.ts'
import { parseRememberRequest } from './facts.ts'

/** What a message wants of memory itself. */
export type MemoryRequest =
  | { kind: 'remember'; fact: Fact }
  | { kind: 'list' }
  | { kind: 'forget'; about: string }
  | { kind: 'forget-all' }
  /** What the last answer came from, or what was told last. */
  | { kind: 'forget-last' }
  /** What the last answer came from. */
  | { kind: 'why' }
  /** What held before: `question` asks for it as for what holds now. */
  | { kind: 'earlier'; question: string }

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
const FORGET_LAST = [
  /^(?:please |can you |could you |you can )*forget (?:that|this|what i (?:just )?(?:said|told you))(?: (?:again|please|now))?$/i,
  /^(?:请|你|可以|帮我)*(?:忘记|忘掉|忘了)(?:这个|那个|这件事|那件事|这一?条|那一?条|(?:我)?刚才?(?:说|讲)的(?:话|事)?)(?:吧)?$/u,
  /^(?:请|你|帮我)*把(?:这个|那个|这件事|那件事|(?:我)?刚才?(?:说|讲)的(?:话|事)?)(?:忘记|忘掉|忘了)(?:吧)?$/u,
]
const WHY = [
  /^(?:and |but )?(?:why (?:did|do|would) you (?:say|think|believe|know) (?:that|this|so|it)|how (?:do|did|come) you know(?: (?:that|this|it))?|where (?:did|do) you (?:get|know|hear|learn|have) (?:that|this|it)(?: from)?|who told you (?:that|this|so)|what makes you (?:say|think) (?:that|this|so))$/i,
  /^(?:你|那)?(?:是)?(?:为什么|为何|凭什么)(?:会)?(?:这么|这样|那么|那样)(?:说|讲|回答|认为|想)(?:的|呢)?$/u,
  /^你(?:是)?(?:怎么|从哪(?:里|儿)?|如何)(?:会)?(?:知道|得知|听说|了解)(?:这个|这件事|这些)?(?:的|呢)?$/u,
]
/** "what was my code before?", "what did my code use to be?", 我以前的密码是多少: with the word that says so left out. */
const EARLIER: [RegExp, string][] = [
  [
    /^(what|where|who|which|when)(?:'s| is| was| were)? (my .+?) (?:before(?: that)?|previously|earlier|until then)$/i,
    '$1 is $2',
  ],
  [
    /^(what|where|who|which|when)(?:'s| is| was| were)? my (?:old|previous|former|earlier) (.+)$/i,
    '$1 is my $2',
  ],
  [/^(what|where|who|which) (?:did|was) (my .+?) used? to be$/i, '$1 is $2'],
  [/^(where) (?:did|was) i (?:used? to )?live (?:before(?: that)?|previously|earlier)$/i, '$1 do I live'],
  [/^(where) did i use to live$/i, '$1 do I live'],
  [/^我(?:以前|之前|原来|过去)(的.+)$/u, '我$1'],
  [/^我(?:以前|之前|原来|过去)(住.+)$/u, '我$1'],
  [/^(我的.+?)(?:以前|之前|原来|过去)(是.+)$/u, '$1$2'],
]
/** Things that other skills keep. */
const OTHER_SKILLS = /\b(?:reminders?|notes?|alarms?|timers?)\b|提醒|笔记|闹钟|定时/i
/** Forgetting that is no wish about memory: "forget it", "I forgot", "forget to". */
const IDIOMATIC_FORGET = /^(?:it|this|that|him|her|them|to\b.*|how\b.*)$|^(?:它|这个?|那个?|吧|了)$/i

/** What a text asks of memory; undefined when it asks nothing of it. */
export function parseMemoryRequest(said: string): MemoryRequest | undefined {
  const text = said
    .trim()
    .replace(/[\s.。!！?？]+$/u, '')
    .replaceAll('’', "'")
  if (LIST.some(form => form.test(text))) return { kind: 'list' }
  if (FORGET_LAST.some(form => form.test(text))) return { kind: 'forget-last' }
  if (WHY.some(form => form.test(text))) return { kind: 'why' }
  const before = EARLIER.find(([form]) => form.test(text))
  if (before) return { kind: 'earlier', question: `${text.replace(...before)}?` }
  const about = findForgetTarget(text)?.trim()
  if (about !== undefined && !OTHER_SKILLS.test(about) && !IDIOMATIC_FORGET.test(about))
    return toForgetRequest(about)
  const fact = parseRememberRequest(said)
  return fact && { kind: 'remember', fact }
}

const findForgetTarget = (text: string): string | undefined =>
  containsChinese(text) ? (FORGET_ZH.exec(text) ?? FORGET_THAT_ZH.exec(text))?.[1] : FORGET.exec(text)?.[1]

function toForgetRequest(about: string): MemoryRequest | undefined {
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
