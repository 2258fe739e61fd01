import { newestOnly } from '../memory-answers.ts'
import type { MemoryLanguage, RememberedText } from '../pack.ts'
import { words } from './words.ts'

const contentCharacters = words.contentCharacters!

const REMEMBER_REQUEST =
  /^(?:请|麻烦|你?可以|能不能|好好|你?要)*(?:帮我|替我|给我)?(?:牢?记住|记得|别忘了?|不要忘记?了?)(?:一下)?[，,：:\s]*(.+)$/su
const STATEMENT = /^(?!提醒)(?:我|.{1,20}(?:是|在|叫|喜欢|住|过敏))/su
const QUESTION = /[？?]|吗|呢$|什么|多少|哪|谁|几[点号岁个]|怎么|为何|是不是|有没有/u

const QUESTION_WORD = /什么时候|什么|多少|哪[里儿天年个些]?|谁|几[号岁点月]/
const LEADING_FILLERS = /^(?:请问|请|你|还|知道|记得|告诉我|说一下|知不知道|记不记得|[，,\s])+/
const TRAILING_FILLERS = /[？?。.！!吗呢啊呀\s]+$/

function answer(memories: readonly RememberedText[], text: string): RememberedText[] | undefined {
  const question = text.replace(LEADING_FILLERS, '').replace(TRAILING_FILLERS, '')
  const wasAsked = question !== text.replace(TRAILING_FILLERS, '')
  const isOwn = question.startsWith('我的')
  if (
    !/^我/.test(question) ||
    /为什么|怎么/.test(question) ||
    !(QUESTION_WORD.test(question) || (wasAsked && isOwn))
  )
    return undefined
  const query = contentCharacters(question.replace('什么名字', '').replace('什么时候', ''))
  if (query === '') return undefined
  const matches = memories.filter(memory => isSubject(memory.text, query))
  if (matches.length > 0) return isOwn ? newestOnly(matches) : matches
  const containing = memories.filter(
    memory => query !== '名字' && contentCharacters(memory.text).includes(query),
  )
  return containing.length === 1 ? containing : undefined
}

/** Whether a memory about the person begins or ends with the characters of the query, and says more. */
function isSubject(text: string, query: string): boolean {
  const characters = contentCharacters(text)
  return (
    /^我/.test(text) &&
    (characters.startsWith(query) || (query !== '名字' && characters.endsWith(query))) &&
    text.length > query.length
  )
}

const SINGLE_VALUED_ATTRIBUTE =
  /(?:密码|口令|号码|号|电话|手机|地址|生日|名字|年龄|邮箱|颜色|工作|身高|体重|尺码)$/u

function subjectOf(text: string): string {
  const normalised = text.toLowerCase().replace(/\s+/g, ' ')
  if (/^(?:我叫|我的名字)/.test(normalised)) return 'name'
  if (/^(?:我住|我家住)/.test(normalised)) return 'home'
  const [, about, value] = /^(?:我的?)?(.+?)\s*[是=]\s*(.+)$/u.exec(normalised) ?? []
  if (!about || !value) return normalised
  const isSingleValued = SINGLE_VALUED_ATTRIBUTE.test(about) || about.includes('最喜欢') || /\d/.test(value)
  return isSingleValued ? about : normalised
}

const toSecondPerson = (text: string): string =>
  text.replace(/咱们|[我你您]/g, word => (word === '我' ? '你' : word === '咱们' ? '你们' : '我'))

export const memory: MemoryLanguage = {
  requests: {
    list: [
      /^你(?:都)?(?:知道|了解|记得|记住了?)(?:关于)?我(?:的)?(?:些|哪些)?(?:什么|事情|信息|事)/u,
      /^关于我你(?:都)?(?:知道|记得)/u,
      /^你(?:都)?记(?:得|住)了?(?:些)?什么/u,
    ],
    forget: [
      /^(?:请|你|可以|帮我)*(?:忘记|忘掉|忘了|不要再?记得?|别再记得?)(?:关于|掉)?(.+?)(?:的(?:事情?|信息))?$/su,
      /^(?:请|你|帮我)*把(.+?)(?:忘记|忘掉|忘了)(?:吧)?$/su,
    ],
    everything: /^(?:一切|所有|全部|所有事情?|我的?一切|我的所有|我)(?:记忆|信息|事情?)?$/u,
    forgetLast: [
      /^(?:请|你|可以|帮我)*(?:忘记|忘掉|忘了)(?:这个|那个|这件事|那件事|这一?条|那一?条|(?:我)?刚才?(?:说|讲)的(?:话|事)?)(?:吧)?$/u,
      /^(?:请|你|帮我)*把(?:这个|那个|这件事|那件事|(?:我)?刚才?(?:说|讲)的(?:话|事)?)(?:忘记|忘掉|忘了)(?:吧)?$/u,
    ],
    why: [
      /^(?:你|那)?(?:是)?(?:为什么|为何|凭什么)(?:会)?(?:这么|这样|那么|那样)(?:说|讲|回答|认为|想)(?:的|呢)?$/u,
      /^你(?:是)?(?:怎么|从哪(?:里|儿)?|如何)(?:会)?(?:知道|得知|听说|了解)(?:这个|这件事|这些)?(?:的|呢)?$/u,
    ],
    /** 我以前的密码是多少 */
    earlier: [
      [/^我(?:以前|之前|原来|过去)(的.+)$/u, '我$1'],
      [/^我(?:以前|之前|原来|过去)(住.+)$/u, '我$1'],
      [/^(我的.+?)(?:以前|之前|原来|过去)(是.+)$/u, '$1$2'],
    ],
    otherSkills: /提醒|笔记|闹钟|定时/,
    idiomaticForget: /^(?:它|这个?|那个?|吧|了)$/,
  },
  facts: {
    rememberedText(text) {
      const rest = REMEMBER_REQUEST.exec(text)?.[1]
      return rest && STATEMENT.test(rest) && !QUESTION.test(rest) ? rest : undefined
    },
    question: QUESTION,
    oneself: /[我咱]/u,
    stated: [
      /^我的.{1,20}(?:是|叫|在)./u,
      /^我(?:叫|姓|住在?|来自|出生|不?喜欢|最喜欢|最?爱|讨厌|不吃|不喝|属|会说)(?!你|这|那|它).+/u,
      /^我(?:对.+过敏|在.+(?:工作|上班|上学)|是.{1,20}(?:人|者|师|生|员|工程师)|今年.+岁)/u,
      /^我有(?:一|两|二|三|四|五|\d+)(?:只|个|条|辆|匹)./u,
      /^我(?:妈妈|爸爸|妹妹|姐姐|哥哥|弟弟|妻子|丈夫|老婆|老公|儿子|女儿|朋友)(?:的.{1,10})?(?:叫|是|住|喜欢)./u,
    ],
    command: /^(?:请|麻烦|帮|替|给|提醒|告诉|翻译|叫我|让我|忘)/u,
    leadingFillers: /^(?:不对?|不对|其实|哦|对了|现在)[,:，]?\s*/,
    changes: [
      [/^我(?:已经)?搬到(?:了)?(.+?)了?$/u, '我住在$1'],
      [/^(我的.{1,20}?)(?:已经)?(?:改成|换成|变成)(?:了)?(.+?)了?$/u, '$1是$2'],
    ],
    subjectOf,
  },
  answer,
  toSecondPerson,
  toSentence: text => `${toSecondPerson(text).replace(/[\s.。!！]+$/u, '')}。`,
  sentenceSeparator: '',
  phrases: {
    remembered: fact => `好的，我会记住：${fact}。`,
    known: (list, more) => `这是我知道的：\n${list}${more > 0 ? `\n还有${more}条。` : ''}`,
    nothingKnown: '我还不知道关于你的任何事。告诉我要记住什么吧。',
    forgotten: about => `好的，我已经不记得这件事了：${about}。`,
    forgottenAll: '好的，关于你的事我都不记得了。',
    forgottenLast: '好的，我已经忘掉了。',
    whichToForget: list => `我刚才的回答用到了不止一件事，要忘掉哪一件？\n${list}`,
    forgottenThose: '好的，这些我都忘掉了。',
    keptAll: '好的，那就都留着。',
    nothingUsed: '我刚才的回答没有用到你让我记住的事。',
    forgottenSince: '那件事我后来已经忘掉了。',
    because: list => `因为你告诉过我：\n${list}`,
    source: (day, isHere) => `${day}，${isHere ? '在这个对话里' : '在另一个对话里'}`,
    earlier: (answer, day) => `${day}之前是这样：${answer}`,
    noEarlier: '我不知道它以前是什么。',
  },
}
