import { contentCharacters, contentWords } from '#shared/knowledge/tokens.ts'
import { isChinese } from '#shared/language/detection.ts'
import { stemOf } from './document-requests.ts'
import type { Held } from './store.ts'

const MAX_LENGTH = 1_000
const ASKS =
  /[?？]\s*$|^(?:please |can you |could you |hey |so |and )*(?:what|who|whom|whose|when|where|which|how|why|is|are|was|were|does|do|did|can|may|must|should|has|have|will|explain|summari[sz]e|describe|find|look up|according to|in which|tell me|quote|read me)\b/i
const ASKS_ZH =
  /什么|多少|哪|谁|吗|呢|怎么|怎样|如何|几[个天年月次号点页]|是否|为什么|何时|能不能|可不可以|是不是|有没有|总结|概括|解释|介绍|根据/u
const WHOLE =
  /\b(?:summari[sz]e|summary|overview|gist)\b|\bwhat(?:'s| is| does) (?:this|that|it|the (?:document|file|pdf)|\S+)(?: (?:about|say))\s*\??$|总结|概括|摘要|讲了?什么|说了?什么|关于什么|主要内容/iu

export const isQuestion = (text: string): boolean =>
  text.length <= MAX_LENGTH && (ASKS.test(text.trim()) || ASKS_ZH.test(text))

/** Whether somebody wants to know what a document is about. */
export const asksForWhole = (text: string): boolean => WHOLE.test(text.trim().replaceAll('’', "'"))

/** The documents that a text names. */
export function named(all: readonly Held[], text: string): Held[] {
  const said = ` ${plain(text)} `
  return all.filter(({ name }) => {
    if (said.includes(plain(name))) return true
    const stem = plain(stemOf(name))
    if (isChinese(stem)) return stem.length >= 2 && said.includes(stem)
    return stem.length >= 4 && said.includes(` ${stem} `)
  })
}

const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.,;:!?"'“”‘’()《》「」。，；：？！、-]+/gu, ' ')
    .trim()

/** Words that ask, or name no more than that there is a document. */
const ASKING = new Set(
  contentWords(
    `much many long often any anyone there from by if into under need must may get find give show explain describe
     according document documents file pdf page section chapter say says mention mentions mean means summarise summarize
     have has should shall they he she as than then more most some just also not no only does happens happen`,
  ),
)
/** "how high" asks for a number, and no document need say "high". */
const HOW =
  /\bhow (?:much|many|high|low|long|short|often|old|big|large|small|tall|far|fast|soon|late|early|wide|deep|heavy|expensive)\b/gi
const ASKING_HAN =
  /文档|文件|里面|关于|根据|需要|应该|可以|能不能|是不是|有没有|怎么|怎样|如何|为什么|总结|概括|时候/gu

/** What must stand in a passage that answers: stems of words, and neighbouring Chinese characters. */
export function wantedIn(question: string, names: readonly Held[]): string[] {
  let text = question
  for (const { name } of names) for (const one of [name, stemOf(name)]) text = without(text, one)
  const words = contentWords(text.replace(HOW, ' ')).filter(word => !ASKING.has(word))
  return [...words, ...pairsOf(contentCharacters(text.replace(ASKING_HAN, ' ')))]
}

function without(text: string, name: string): string {
  const at = text.toLowerCase().indexOf(name.toLowerCase())
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + name.length)}`
}

const pairsOf = (characters: string): string[] =>
  characters.length === 1
    ? [characters]
    : [
        ...new Set(
          Array.from({ length: Math.max(0, characters.length - 1) }, (_, at) => characters.slice(at, at + 2)),
        ),
      ]

/** How many of the wanted a text holds. */
export function matches(wanted: readonly string[], text: string): number {
  const words = contentWords(text)
  const characters = contentCharacters(text)
  return wanted.filter(one =>
    isChinese(one) ? characters.includes(one) : words.some(word => isSameWord(one, word)),
  ).length
}

const ENDING = /^(?:e?d|ing|able?|ment|er|al|ation|ion|or|ly|y|s|t)$/

/** "pay" is in "payable" and "payment". */
function isSameWord(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  return (
    short === long || (short.length >= 3 && long.startsWith(short) && ENDING.test(long.slice(short.length)))
  )
}
