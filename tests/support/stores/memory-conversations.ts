import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import memory from '../../../functions/memory/handler.ts'
import { createRootEvent } from '../../../shared/contract/events/event.ts'
import type { EventData } from '../../../shared/contract/events/event-types.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { messageEvent, openTestKit } from '../../../shared/host/test-kit.ts'
import type { Models } from '../../../shared/models/models.ts'

/** The facts that one person tells over several sessions, their question weeks later, and their request to forget. */
export type MemoryCase = {
  told: string[]
  question: string
  /** The words that the right answer contains, and the value that they replaced. */
  right: string
  stale: string | undefined
  forget: string | undefined
}

const CASE_LINE =
  /^(?<told>.+?) \| (?<question>.+?) = (?<right>.+?)(?: \/ (?<stale>.+?))?(?: ~ (?<forget>.+))?$/

/** Reads the cases in tests/support/stores/memory-conversations.txt. */
export async function readMemoryCases(): Promise<MemoryCase[]> {
  const text = await readFile(join(import.meta.dirname, 'memory-conversations.txt'), 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const { told, question, right, stale, forget } = CASE_LINE.exec(line)?.groups ?? {}
      if (told === undefined || question === undefined || right === undefined)
        throw new Error(`memory-conversations.txt: "${line}" is not TOLD | QUESTION = ANSWER`)
      return { told: told.split(' > '), question, right, stale, forget }
    })
}

export type MemoryOutcome = MemoryCase & {
  /** `said`: without a model. `given`: among the memories that a model gets. `missed`: neither. */
  outcome: 'said' | 'given' | 'missed'
  /** The answer has the replaced value instead of the present one. */
  answeredStale: boolean
  /** Another person got the answer. */
  leaked: boolean
  /** Memory found the answer after the person had it forgotten. */
  survivedDeletion: boolean
}

/** The outcomes in numbers, and the questions that went wrong. */
export function summarise(outcomes: MemoryOutcome[]) {
  const questions = (predicate: (one: MemoryOutcome) => boolean) =>
    outcomes.filter(predicate).map(({ question }) => question)
  const withOutcome = (outcome: MemoryOutcome['outcome']) => questions(one => one.outcome === outcome)
  return {
    conversations: outcomes.length,
    said: withOutcome('said').length,
    given: withOutcome('given').length,
    missed: withOutcome('missed'),
    stale: questions(one => one.answeredStale),
    leaks: questions(one => one.leaked),
    survived: questions(one => one.survivedDeletion),
  }
}

/** Facts of every person, so that the right memory is one among others. */
const DISTRACTORS = ['I like jazz', 'my sofa is grey', 'I have a bicycle', '我喜欢散步', '我的窗帘是白色的']

/**
 * Plays the cases on the real function over one store. First everybody tells their facts; weeks later each asks, and a
 * stranger asks the same. At last each person has the memory forgotten and asks once more. Default: no embeddings.
 */
export async function runMemoryCases(
  conversations: MemoryCase[],
  models?: Pick<Models, 'embed'>,
): Promise<MemoryOutcome[]> {
  const kit = await openTestKit({ ...(models && { models }) })
  let clockMs = Date.UTC(2026, 0, 1)
  const send = async (person: string, text: string) => {
    clockMs += 60_000
    const time = new Date(clockMs).toISOString()
    const { data: message } = messageEvent(text, { time, person })
    const intent = { skill: null, score: 1, candidates: [] }
    const rest = {
      id: newId(),
      source: '/test',
      conversation: `${person}-${Math.floor(clockMs / 86_400_000)}`,
      time,
    }
    const recognised = {
      ...rest,
      type: 'lares.intent.recognised',
      data: { message, saidAt: time, intent },
    } as const
    const [recalled] = await kit.send(memory, createRootEvent(recognised))
    const { answer = '', memories } = recalled!.data as EventData<'lares.context.recalled'>
    const usage = { inputTokens: 0, outputTokens: 0 }
    const { address } = message
    const reply = {
      person,
      address,
      question: text,
      inReplyTo: rest.id,
      answers: [rest.id],
      text: 'I see.',
      usage,
    }
    await kit.send(
      memory,
      createRootEvent({
        ...rest,
        id: newId(),
        type: 'lares.reply.completed',
        data: { ...reply, status: 'completed', language: message.language },
      }),
    )
    return { answer, given: memories.map(one => one.text).join('\n') }
  }
  try {
    const people = conversations.map((conversation, n) => ({ conversation, person: `person-${n}` }))
    for (const { person, conversation } of people)
      for (const text of [...DISTRACTORS, ...conversation.told]) {
        clockMs += 3 * 86_400_000
        await send(person, text)
      }
    clockMs += 30 * 86_400_000
    const outcomes: MemoryOutcome[] = []
    for (const [n, { person, conversation }] of people.entries()) {
      const { question, right, stale, forget } = conversation
      const ownResult = await send(person, question)
      // Checks all facts of the other person, not only those of this line.
      const otherResult = await send(`person-${(n + 1) % people.length}`, question)
      const strangerResult = await send('stranger', question)
      const leaksExpected = (text: string) =>
        text.includes(right) && !conversations[(n + 1) % people.length]!.told.join().includes(right)
      const outcome = ownResult.answer.includes(right)
        ? 'said'
        : ownResult.given.includes(right)
          ? 'given'
          : 'missed'
      let survivedDeletion = false
      if (forget !== undefined) {
        await send(person, forget)
        const after = await send(person, question)
        survivedDeletion = `${after.answer}\n${after.given}`.includes(right)
      }
      outcomes.push({
        ...conversation,
        outcome,
        answeredStale: stale !== undefined && containsStale(ownResult.answer, stale, right),
        leaked:
          leaksExpected(`${otherResult.answer}\n${otherResult.given}`) ||
          `${strangerResult.answer}${strangerResult.given}`.includes(right),
        survivedDeletion,
      })
    }
    return outcomes
  } finally {
    await kit.close()
  }
}

/** Whether the text contains the old value by itself, not as a part of the new one. */
const containsStale = (text: string, stale: string, right: string): boolean =>
  text.replaceAll(right, '').includes(stale)
