import type { StoredMemory } from '#shared/knowledge/memories.ts'
import { contentCharacters, contentWords } from '#shared/knowledge/tokens.ts'
import { containsChinese } from '#shared/language/detection.ts'
import { toSecondPersonSentence } from './second-person.ts'

const MAX_SENTENCES = 5

/**
 * The answer to a question about something that the person told, when the memories (the newest of each subject) clearly
 * hold it; undefined when they do not, or when it takes more than saying them back.
 */
export function answerFrom(memories: readonly StoredMemory[], question: string): string | undefined {
  const text = question
    .trim()
    .replaceAll('’', "'")
    .replace(/^whats\b/i, "what's")
  return containsChinese(text) ? answerInChinese(memories, text) : answerInEnglish(memories, text)
}

/** "what is my X", "tell me my X", "where do I live": what is asked for, and whether it is a thing of theirs or a doing. */
const QUESTION_FORMS = [
  {
    of: 'my',
    form: /^(?:what(?:'s| is| are| was)?|when(?:'s| is)|who(?:'s| is| are)|where(?:'s| is| are)|which is|how old is|tell me|say) (?:again )?(?:the )?(.*\bmy\b.*)$/i,
  },
  { of: 'my', form: /^(?:what|which) (?:\S+ )?is ((?:my|mine)\b.*)$/i },
  { of: 'I', form: /^(?:what|where|which|who|when)(?: \w+)? (?:do|am|did|was|have) I\b(.*)$/i },
  { of: 'I', form: /^(?:what do |whom do )?I\b(.*)$/i },
  { of: 'the', form: /^(?:what(?:'s| is| are| was)?|where(?:'s| is| are)|tell me) (the .+)$/i },
] as const
const LEADING_FILLERS =
  /^(?:(?:please|hey|and|so|can you|could you|do you (?:still )?(?:know|remember)|remind me|tell me)[,:]?\s+)+(?=what|who|where|when|which|my|again)/i

function answerInEnglish(memories: readonly StoredMemory[], text: string): string | undefined {
  const question = text
    .replace(LEADING_FILLERS, '')
    .replace(/^again[,:]?\s+/i, '')
    .replace(/[\s?!.]+$/, '')
  const normalised = /^my\b/i.test(question) && LEADING_FILLERS.test(text) ? `what is ${question}` : question
  const questionForm = QUESTION_FORMS.find(({ form }) => form.test(normalised))
  // "I …" alone is a statement unless it was asked.
  if (!questionForm || (/^I\b/.test(normalised) && !text.endsWith('?'))) return undefined
  const queryWords = contentWords(questionForm.form.exec(normalised)![1]!)
  if (queryWords.length === 0) return undefined
  return questionForm.of === 'I'
    ? answerAboutActivity(memories, queryWords)
    : answerAboutThing(memories, queryWords, questionForm.of)
}

/** One memory about exactly that; or, of their own things, one whose subject has these words among its own. */
function answerAboutThing(
  memories: readonly StoredMemory[],
  queryWords: string[],
  of: 'my' | 'the',
): string | undefined {
  const exact = memories.filter(memory => haveSameWords(contentWords(subjectWords(memory)), queryWords))
  if (exact.length > 0) return toAnswer(newestOnly(exact))
  if (of === 'the') return undefined
  const wider = memories.filter(
    memory =>
      /\b(?:my|the)\b/i.test(memory.text) &&
      !belongsToSomebodyElse(memory, queryWords) &&
      queryWords.every(word => contentWords(subjectWords(memory)).includes(word)),
  )
  return wider.length === 1 ? toAnswer([wider[0]!]) : undefined
}

/** "my sister's name" is no answer to "my name". */
const belongsToSomebodyElse = (memory: StoredMemory, queryWords: string[]): boolean =>
  contentWords(/(\w+)'s\b/.exec(memory.text)?.[1] ?? '').some(owner => !queryWords.includes(owner))

const subjectWords = (memory: StoredMemory): string =>
  memory.subject === 'name'
    ? 'name'
    : (/^(.+?)\s(?:is|are|was|were|=)\s/i.exec(memory.text)?.[1] ?? '') + nameSuffix(memory.text)

/** "my sister is called Anna" tells my sister's name. */
const nameSuffix = (text: string): string => (/\b(?:called|named)\b/.test(text) ? ' name' : '')

function answerAboutActivity(memories: readonly StoredMemory[], queryWords: string[]): string | undefined {
  const matching = memories.filter(memory => {
    const words = contentWords(memory.text)
    return (
      /^I\b/i.test(memory.text) &&
      words.length > queryWords.length &&
      queryWords.every(word => words.includes(word))
    )
  })
  return matching.length === 0 ? undefined : toAnswer(matching)
}

const QUESTION_WORD_ZH = /什么时候|什么|多少|哪[里儿天年个些]?|谁|几[号岁点月]/
const LEADING_FILLERS_ZH = /^(?:请问|请|你|还|知道|记得|告诉我|说一下|知不知道|记不记得|[，,\s])+/
const TRAILING_FILLERS_ZH = /[？?。.！!吗呢啊呀\s]+$/

function answerInChinese(memories: readonly StoredMemory[], text: string): string | undefined {
  const question = text.replace(LEADING_FILLERS_ZH, '').replace(TRAILING_FILLERS_ZH, '')
  const wasAsked = question !== text.replace(TRAILING_FILLERS_ZH, '')
  if (
    !/^我/.test(question) ||
    /为什么|怎么/.test(question) ||
    !(QUESTION_WORD_ZH.test(question) || (wasAsked && question.startsWith('我的')))
  )
    return undefined
  const queryCharacters = contentCharacters(
    question.replace('什么名字', '').replace(/叫$/, '叫').replace('什么时候', ''),
  )
  if (queryCharacters === '') return undefined
  const subjectMatches = memories.filter(memory => {
    const memoryCharacters = contentCharacters(memory.text)
    return (
      /^我/.test(memory.text) &&
      (memoryCharacters.startsWith(queryCharacters) ||
        (queryCharacters !== '名字' && memoryCharacters.endsWith(queryCharacters))) &&
      memory.text.length > queryCharacters.length
    )
  })
  if (subjectMatches.length > 0)
    return question.startsWith('我的') ? toAnswer(newestOnly(subjectMatches)) : toAnswer(subjectMatches)
  const containing = memories.filter(
    memory => queryCharacters !== '名字' && contentCharacters(memory.text).includes(queryCharacters),
  )
  return containing.length === 1 ? toAnswer(containing) : undefined
}

const newestOnly = (memories: StoredMemory[]): StoredMemory[] => [
  memories.reduce((best, memory) => (memory.saidAt > best.saidAt ? memory : best)),
]

const toAnswer = (memories: readonly StoredMemory[]): string => {
  const sentences = memories.slice(0, MAX_SENTENCES).map(({ text }) => toSecondPersonSentence(text))
  return sentences.join(sentences.every(containsChinese) ? '' : ' ')
}

const haveSameWords = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every(word => b.includes(word))
