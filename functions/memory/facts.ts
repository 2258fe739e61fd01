import type { Fact } from '#shared/knowledge/memories.ts'
import { containsChinese } from '#shared/language/detection.ts'
import { isAboutOneself } from './second-person.ts'

const MAX_FACT_LENGTH = 500
const MAX_STATEMENT_LENGTH = 2 * MAX_FACT_LENGTH
const POLITE_PREFIX =
  '(?:(?:please|hey|ok|okay|lares|can you|could you|will you|would you|i want you to)[,:]?\\s+)*'
const REMEMBER_REQUEST = new RegExp(
  `^${POLITE_PREFIX}(?:remember|rem[em]{1,2}ber|keep in mind|memori[sz]e|(?:don't|do not|never) forget)(?:\\s+this)?(\\s+that\\s+|\\s*[:,]\\s*|\\s+)(.+)$`,
  'is',
)
const REMEMBER_REQUEST_ZH =
  /^(?:请|麻烦|你?可以|能不能|好好|你?要)*(?:帮我|替我|给我)?(?:牢?记住|记得|别忘了?|不要忘记?了?)(?:一下)?[，,：:\s]*(.+)$/su
/** Without "that" what follows may be a thing to do, or a mere name. */
const STATEMENT =
  /^(?!to\b|when\b|how\b|what\b).*?(?:\b(?:is|are|am|was|were|have|has|live|lives|like|likes|love|hate|prefer|work|works|drive|speak)\b|=|\bi'm\b)/is
const STATEMENT_ZH = /^(?!提醒)(?:我|.{1,20}(?:是|在|叫|喜欢|住|过敏))/su
const QUESTION =
  /\?\s*$|^(?:what|who|where|when|why|how|which|whose|do|does|did|is|are|am|was|were|can|could)\b/i
const QUESTION_ZH = /[？?]|吗|呢$|什么|多少|哪|谁|几[点号岁个]|怎么|为何|是不是|有没有/u

/** What the person asks to be remembered, as they put it; undefined when they do not ask that. */
export function parseRememberRequest(text: string): Fact | undefined {
  const said = text.trim().replaceAll('’', "'")
  const request = containsChinese(said) ? undefined : REMEMBER_REQUEST.exec(said)
  const [link, rest] = request ? [request[1]!, request[2]!] : ['', REMEMBER_REQUEST_ZH.exec(said)?.[1]]
  if (!rest || rest.length > MAX_FACT_LENGTH) return undefined
  if (
    request ? link.trim() === '' && !STATEMENT.test(rest) : !STATEMENT_ZH.test(rest) || QUESTION_ZH.test(rest)
  )
    return undefined
  return toFact(rest)
}

const STATED_FACT = [
  /^my [\p{L}\p{N}' -]{2,50}? (?:is|are|was) \S/iu,
  /^(?:i am called|i live|i work|i study|i was born|i come from|i speak|i drive|i grew up) \S/i,
  /^i (?:really |also |do not |don't |usually |mostly |always |never )?(?:like|love|hate|prefer|enjoy|dislike|eat|drink|play) (?!it\b|that\b|this\b|you\b|your\b|the way\b|how\b|these\b|those\b)\S/i,
  /^i(?: am|'m) (?:allergic|from|married|vegetarian|vegan|left-handed|(?:a|an) (?!bit\b|little\b)\S|\d+ years)/i,
  /^i have (?:a|an|one|two|three|four|five|\d+) (?:\S+ )?(?:cats?|dogs?|pets?|sons?|daughters?|children|child|kids?|brothers?|sisters?|siblings|wife|husband|partner|cars?|bikes?|bicycles?|horses?)\b/i,
]
const STATED_FACT_ZH = [
  /^我的.{1,20}(?:是|叫|在)./u,
  /^我(?:叫|姓|住在?|来自|出生|不?喜欢|最喜欢|最?爱|讨厌|不吃|不喝|属|会说)(?!你|这|那|它).+/u,
  /^我(?:对.+过敏|在.+(?:工作|上班|上学)|是.{1,20}(?:人|者|师|生|员|工程师)|今年.+岁)/u,
  /^我有(?:一|两|二|三|四|五|\d+)(?:只|个|条|辆|匹)./u,
  /^我(?:妈妈|爸爸|妹妹|姐姐|哥哥|弟弟|妻子|丈夫|老婆|老公|儿子|女儿|朋友)(?:的.{1,10})?(?:叫|是|住|喜欢)./u,
]

/** Their stop ends no sentence; until the sentences are told apart, a joiner stands for the space behind it. */
const TITLE_ABBREVIATION = /\b(Dr|Mr|Mrs|Ms|Prof|St|Mt)\. /g
const LEADING_FILLERS =
  /^(?:no|nope|actually|sorry|well|oh|wait|correction|by the way|btw|and|also|but|now|不对?|其实|哦|对了)\b[,:，]?\s*|^(?:不对|其实|哦|对了|现在)[,:，]?\s*/i
/** Changes told as such, as the fact that holds now: it takes the place of the one before. */
const CHANGE_FORMS: [RegExp, string][] = [
  [/^i(?:'ve| have)?(?: just)? moved to (?=\S)/i, 'I live in '],
  [/^(my .{2,50}?) (?:has |was )?(?:been )?changed to (?=\S)/i, '$1 is '],
  [/^(my .{2,50}?) is now (?=\S)/i, '$1 is '],
  [
    /^call me(?! (?:a|an|the|back|later|now|when|if|at|on|in|tomorrow|tonight|today|again|soon|please)\b) (?=\S)/i,
    'my name is ',
  ],
  [/^我(?:已经)?搬到(?:了)?(.+?)了?$/u, '我住在$1'],
  [/^(我的.{1,20}?)(?:已经)?(?:改成|换成|变成)(?:了)?(.+?)了?$/u, '$1是$2'],
]

const normaliseStatement = (sentence: string): string =>
  CHANGE_FORMS.reduce((said, [form, fact]) => said.replace(form, fact), sentence.replace(LEADING_FILLERS, ''))

/** Facts that the person states in passing. Long texts are left alone: they are pasted more often than told. */
export function findStatedFacts(text: string): Fact[] {
  if (text.length > MAX_STATEMENT_LENGTH) return []
  return splitSentences(text)
    .filter(sentence =>
      containsChinese(sentence)
        ? STATED_FACT_ZH.some(form => form.test(sentence)) && !QUESTION_ZH.test(sentence)
        : STATED_FACT.some(form => form.test(sentence)) && !QUESTION.test(sentence),
    )
    .map(toFact)
}

const COMMAND =
  /^(?:(?:please|and|then|just|can you|could you|will you|would you)\s+)*(?:tell|give|show|remind|send|write|read|translate|help|let|make|set|call|play|find|explain|add|delete|cancel|stop|wake|forget)\b/i
const COMMAND_ZH = /^(?:请|麻烦|帮|替|给|提醒|告诉|翻译|叫我|让我|忘)/u

/** Whether a model may find more to keep than the rules do: somebody tells of themself, and not only asks or orders. */
export const mayContainFacts = (text: string): boolean =>
  text.length <= MAX_STATEMENT_LENGTH &&
  splitSentences(text).some(
    sentence =>
      isAboutOneself(sentence) &&
      (containsChinese(sentence)
        ? !QUESTION_ZH.test(sentence) && !COMMAND_ZH.test(sentence)
        : !QUESTION.test(sentence) && !COMMAND.test(sentence)),
  )

function splitSentences(text: string): string[] {
  const parts =
    text
      .replaceAll('’', "'")
      .replace(TITLE_ABBREVIATION, '$1.\u2060')
      .match(/[^.!?。！？，;；\n]+(?:\.(?=\S)[^.!?。！？，;；\n]+)*[.!?。！？]?/gu) ?? []
  return parts.map(sentence => normaliseStatement(sentence.replaceAll('\u2060', ' ').trim()))
}

export const toFact = (words: string): Fact => {
  const text = words.trim().replace(/[\s.。!！?？]+$/u, '')
  return { text, subject: subjectOf(text) }
}

/** Nouns whose owner has one of them at a time. */
const SINGLE_VALUED_ATTRIBUTE =
  /(?:code|pin|password|passcode|number|address|birthday|name|age|email|e-mail|job|phone|colou?r|size|height|weight|combination|plate)$/i
const SINGLE_VALUED_ATTRIBUTE_ZH =
  /(?:密码|口令|号码|号|电话|手机|地址|生日|名字|年龄|邮箱|颜色|工作|身高|体重|尺码)$/u

/** What a fact is about, so that a newer one takes its place; the whole of it where several can hold at once. */
function subjectOf(text: string): string {
  const normalised = text
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/favorite/g, 'favourite')
    .replace(/color/g, 'colour')
  if (/^(?:i am called|call me|my name is|我叫|我的名字)/.test(normalised)) return 'name'
  if (/^(?:i live|我住|我家住)/.test(normalised)) return 'home'
  const [, about, value] =
    /^(?:my |the |our |我的?)?(.+?)(?: (?:is|are|was|were) |\s*[是=]\s*)(.+)$/u.exec(normalised) ?? []
  if (!about || !value) return normalised
  const isSingleValued =
    SINGLE_VALUED_ATTRIBUTE.test(about) ||
    SINGLE_VALUED_ATTRIBUTE_ZH.test(about) ||
    /favou?rite|最喜欢/.test(about) ||
    /\d/.test(value)
  return isSingleValued ? about : normalised
}
