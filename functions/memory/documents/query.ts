import { contentCharacters, contentWords } from '#shared/knowledge/tokens.ts'
import { containsChinese } from '#shared/language/detection.ts'
import { nameWithoutExtension } from './document-requests.ts'
import type { StoredDocument } from './store.ts'

const MAX_LENGTH = 1_000
const QUESTION =
  /[?？]\s*$|^(?:please |can you |could you |hey |so |and )*(?:what|who|whom|whose|when|where|which|how|why|is|are|was|were|does|do|did|can|may|must|should|has|have|will|explain|summari[sz]e|describe|find|look up|according to|in which|tell me|quote|read me)\b/i
const QUESTION_ZH =
  /什么|多少|哪|谁|吗|呢|怎么|怎样|如何|几[个天年月次号点页]|是否|为什么|何时|能不能|可不可以|是不是|有没有|总结|概括|解释|介绍|根据/u
const SUMMARY_REQUEST =
  /\b(?:summari[sz]e|summary|overview|gist)\b|\bwhat(?:'s| is| does) (?:this|that|it|the (?:document|file|pdf)|\S+)(?: (?:about|say))\s*\??$|总结|概括|摘要|讲了?什么|说了?什么|关于什么|主要内容/iu

export const isQuestion = (text: string): boolean =>
  text.length <= MAX_LENGTH && (QUESTION.test(text.trim()) || QUESTION_ZH.test(text))

/** Whether somebody wants to know what a document is about. */
export const asksForSummary = (text: string): boolean =>
  SUMMARY_REQUEST.test(text.trim().replaceAll('’', "'"))

/** The documents that a text names. */
export function documentsNamedIn(all: readonly StoredDocument[], text: string): StoredDocument[] {
  const normalisedText = ` ${normaliseName(text)} `
  return all.filter(({ name }) => {
    if (normalisedText.includes(normaliseName(name))) return true
    const stem = normaliseName(nameWithoutExtension(name))
    if (containsChinese(stem)) return stem.length >= 2 && normalisedText.includes(stem)
    return stem.length >= 4 && normalisedText.includes(` ${stem} `)
  })
}

const normaliseName = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.,;:!?"'“”‘’()《》「」。，；：？！、-]+/gu, ' ')
    .trim()

/** Words that ask, or name no more than that there is a document. */
const QUESTION_WORDS = new Set(
  contentWords(
    `much many long often any anyone there from by if into under need must may get find give show explain describe
     according document documents file pdf page section chapter say says mention mentions mean means summarise summarize
     have has should shall they he she as than then more most some just also not no only does happens happen`,
  ),
)
/** "how high" asks for a number, and no document need say "high". */
const HOW_MUCH =
  /\bhow (?:much|many|high|low|long|short|often|old|big|large|small|tall|far|fast|soon|late|early|wide|deep|heavy|expensive)\b/gi
const QUESTION_WORDS_ZH =
  /文档|文件|里面|关于|根据|需要|应该|可以|能不能|是不是|有没有|怎么|怎样|如何|为什么|总结|概括|时候/gu

/** What must stand in a passage that answers: stems of words, and neighbouring Chinese characters. */
export function queryTermsOf(question: string, documents: readonly StoredDocument[]): string[] {
  let text = question
  for (const { name } of documents)
    for (const one of [name, nameWithoutExtension(name)]) text = removeName(text, one)
  const words = contentWords(text.replace(HOW_MUCH, ' ')).filter(word => !QUESTION_WORDS.has(word))
  return [...words, ...bigrams(contentCharacters(text.replace(QUESTION_WORDS_ZH, ' ')))]
}

function removeName(text: string, name: string): string {
  const at = text.toLowerCase().indexOf(name.toLowerCase())
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + name.length)}`
}

const bigrams = (characters: string): string[] =>
  characters.length === 1
    ? [characters]
    : [
        ...new Set(
          Array.from({ length: Math.max(0, characters.length - 1) }, (_, at) => characters.slice(at, at + 2)),
        ),
      ]

/** How many of the wanted a text holds. */
export function countMatches(queryTerms: readonly string[], text: string): number {
  const words = contentWords(text)
  const characters = contentCharacters(text)
  return queryTerms.filter(one =>
    containsChinese(one) ? characters.includes(one) : words.some(word => isSameWord(one, word)),
  ).length
}

const SUFFIX = /^(?:e?d|ing|able?|ment|er|al|ation|ion|or|ly|y|s|t)$/

/** "pay" is in "payable" and "payment". */
function isSameWord(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  return (
    short === long || (short.length >= 3 && long.startsWith(short) && SUFFIX.test(long.slice(short.length)))
  )
}
