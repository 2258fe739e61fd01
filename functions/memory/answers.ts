import type { Remembered } from '#shared/knowledge/memories.ts'
import { contentCharacters, contentWords } from '#shared/knowledge/tokens.ts'
import { isChinese } from '#shared/language/detection.ts'
import { sentenceTo } from './second-person.ts'

const MAX_SAID = 5

/**
 * The answer to a question about something that the person told, when the memories (the newest of each subject) clearly
 * hold it; undefined when they do not, or when it takes more than saying them back.
 */
export function answerFrom(memories: readonly Remembered[], question: string): string | undefined {
  const text = question
    .trim()
    .replaceAll('’', "'")
    .replace(/^whats\b/i, "what's")
  return isChinese(text) ? answerInChinese(memories, text) : answerInEnglish(memories, text)
}

/** "what is my X", "tell me my X", "where do I live": what is asked for, and whether it is a thing of theirs or a doing. */
const ASKS = [
  {
    of: 'my',
    form: /^(?:what(?:'s| is| are| was)?|when(?:'s| is)|who(?:'s| is| are)|where(?:'s| is| are)|which is|how old is|tell me|say) (?:again )?(?:the )?(.*\bmy\b.*)$/i,
  },
  { of: 'my', form: /^(?:what|which) (?:\S+ )?is ((?:my|mine)\b.*)$/i },
  { of: 'I', form: /^(?:what|where|which|who|when)(?: \w+)? (?:do|am|did|was|have) I\b(.*)$/i },
  { of: 'I', form: /^(?:what do |whom do )?I\b(.*)$/i },
  { of: 'the', form: /^(?:what(?:'s| is| are| was)?|where(?:'s| is| are)|tell me) (the .+)$/i },
] as const
const LEAD =
  /^(?:(?:please|hey|and|so|can you|could you|do you (?:still )?(?:know|remember)|remind me|tell me)[,:]?\s+)+(?=what|who|where|when|which|my|again)/i

function answerInEnglish(memories: readonly Remembered[], text: string): string | undefined {
  const question = text
    .replace(LEAD, '')
    .replace(/^again[,:]?\s+/i, '')
    .replace(/[\s?!.]+$/, '')
  const bare = /^my\b/i.test(question) && LEAD.test(text) ? `what is ${question}` : question
  const ask = ASKS.find(({ form }) => form.test(bare))
  // "I …" alone is a statement unless it was asked.
  if (!ask || (/^I\b/.test(bare) && !text.endsWith('?'))) return undefined
  const wanted = contentWords(ask.form.exec(bare)![1]!)
  if (wanted.length === 0) return undefined
  return ask.of === 'I' ? doing(memories, wanted) : thing(memories, wanted, ask.of)
}

/** One memory about exactly that; or, of their own things, one whose subject has these words among its own. */
function thing(memories: readonly Remembered[], wanted: string[], of: 'my' | 'the'): string | undefined {
  const exact = memories.filter(memory => same(contentWords(subjectWords(memory)), wanted))
  if (exact.length > 0) return said(newest(exact))
  if (of === 'the') return undefined
  const wider = memories.filter(
    memory =>
      /\b(?:my|the)\b/i.test(memory.text) &&
      !isOthers(memory, wanted) &&
      wanted.every(word => contentWords(subjectWords(memory)).includes(word)),
  )
  return wider.length === 1 ? said([wider[0]!]) : undefined
}

/** "my sister's name" is no answer to "my name". */
const isOthers = (memory: Remembered, wanted: string[]): boolean =>
  contentWords(/(\w+)'s\b/.exec(memory.text)?.[1] ?? '').some(owner => !wanted.includes(owner))

const subjectWords = (memory: Remembered): string =>
  memory.subject === 'name'
    ? 'name'
    : (/^(.+?)\s(?:is|are|was|were|=)\s/i.exec(memory.text)?.[1] ?? '') + nameIn(memory.text)

/** "my sister is called Anna" tells my sister's name. */
const nameIn = (text: string): string => (/\b(?:called|named)\b/.test(text) ? ' name' : '')

function doing(memories: readonly Remembered[], wanted: string[]): string | undefined {
  const held = memories.filter(memory => {
    const words = contentWords(memory.text)
    return (
      /^I\b/i.test(memory.text) && words.length > wanted.length && wanted.every(word => words.includes(word))
    )
  })
  return held.length === 0 ? undefined : said(held)
}

const ASKED_ZH = /什么时候|什么|多少|哪[里儿天年个些]?|谁|几[号岁点月]/
const LEAD_ZH = /^(?:请问|请|你|还|知道|记得|告诉我|说一下|知不知道|记不记得|[，,\s])+/
const END_ZH = /[？?。.！!吗呢啊呀\s]+$/

function answerInChinese(memories: readonly Remembered[], text: string): string | undefined {
  const question = text.replace(LEAD_ZH, '').replace(END_ZH, '')
  const told = question !== text.replace(END_ZH, '')
  if (
    !/^我/.test(question) ||
    /为什么|怎么/.test(question) ||
    !(ASKED_ZH.test(question) || (told && question.startsWith('我的')))
  )
    return undefined
  const wanted = contentCharacters(
    question.replace('什么名字', '').replace(/叫$/, '叫').replace('什么时候', ''),
  )
  if (wanted === '') return undefined
  const starting = memories.filter(memory => {
    const held = contentCharacters(memory.text)
    return (
      /^我/.test(memory.text) &&
      (held.startsWith(wanted) || (wanted !== '名字' && held.endsWith(wanted))) &&
      memory.text.length > wanted.length
    )
  })
  if (starting.length > 0) return question.startsWith('我的') ? said(newest(starting)) : said(starting)
  const holding = memories.filter(
    memory => wanted !== '名字' && contentCharacters(memory.text).includes(wanted),
  )
  return holding.length === 1 ? said(holding) : undefined
}

const newest = (memories: Remembered[]): Remembered[] => [
  memories.reduce((best, memory) => (memory.saidAt > best.saidAt ? memory : best)),
]

const said = (memories: readonly Remembered[]): string => {
  const sentences = memories.slice(0, MAX_SAID).map(({ text }) => sentenceTo(text))
  return sentences.join(sentences.every(isChinese) ? '' : ' ')
}

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every(word => b.includes(word))
