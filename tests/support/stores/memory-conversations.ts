import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import memory from '../../../functions/memory/handler.ts'
import { firstEvent } from '../../../shared/contract/events/event.ts'
import type { EventData } from '../../../shared/contract/events/event-types.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { messageEvent, openKit } from '../../../shared/host/test-kit.ts'
import type { Models } from '../../../shared/models/models.ts'

/** What one person tells over several sessions, asks weeks later, and wants to have forgotten. */
export type Conversation = {
  told: string[]
  question: string
  /** What the answer holds, and what it replaced. */
  right: string
  stale: string | undefined
  forget: string | undefined
}

const FORM = /^(?<told>.+?) \| (?<question>.+?) = (?<right>.+?)(?: \/ (?<stale>.+?))?(?: ~ (?<forget>.+))?$/

/** The set of tests/support/stores/memory-conversations.txt. */
export async function readConversations(): Promise<Conversation[]> {
  const text = await readFile(join(import.meta.dirname, 'memory-conversations.txt'), 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const { told, question, right, stale, forget } = FORM.exec(line)?.groups ?? {}
      if (told === undefined || question === undefined || right === undefined)
        throw new Error(`memory-conversations.txt: "${line}" is not TOLD | QUESTION = ANSWER`)
      return { told: told.split(' > '), question, right, stale, forget }
    })
}

export type Outcome = Conversation & {
  /** `said`: without a model. `given`: among the memories that a model gets. `missed`: neither. */
  outcome: 'said' | 'given' | 'missed'
  /** What was replaced was said or given all the same, in place of what holds. */
  saidStale: boolean
  /** Another person got it. */
  leaked: boolean
  /** It was found after it was to be forgotten. */
  survived: boolean
}

/** What became of them, in numbers and by the questions that went wrong. */
export function summaryOf(outcomes: Outcome[]) {
  const questions = (is: (one: Outcome) => boolean) => outcomes.filter(is).map(({ question }) => question)
  const those = (outcome: Outcome['outcome']) => questions(one => one.outcome === outcome)
  return {
    conversations: outcomes.length,
    said: those('said').length,
    given: those('given').length,
    missed: those('missed'),
    stale: questions(one => one.saidStale),
    leaks: questions(one => one.leaked),
    survived: questions(one => one.survived),
  }
}

/** Told by everybody, so that what is asked for is one thing among others. */
const AROUND = ['I like jazz', 'my sofa is grey', 'I have a bicycle', '我喜欢散步', '我的窗帘是白色的']

/**
 * Plays them on the real function over one store: first everybody tells, then, weeks later, each asks, and a stranger asks
 * the same; at last what is to be forgotten is forgotten and asked for once more. Default: no embeddings.
 */
export async function playMemory(
  conversations: Conversation[],
  models?: Pick<Models, 'embed'>,
): Promise<Outcome[]> {
  const kit = await openKit({ ...(models && { models }) })
  let at = Date.UTC(2026, 0, 1)
  const say = async (person: string, text: string) => {
    at += 60_000
    const time = new Date(at).toISOString()
    const { data: message } = messageEvent(text, { time, person })
    const intent = { skill: null, score: 1, candidates: [] }
    const rest = {
      id: newId(),
      source: '/test',
      conversation: `${person}-${Math.floor(at / 86_400_000)}`,
      time,
    }
    const recognised = {
      ...rest,
      type: 'lares.intent.recognised',
      data: { message, saidAt: time, intent },
    } as const
    const [recalled] = await kit.send(memory, firstEvent(recognised))
    const { answer = '', memories } = recalled!.data as EventData<'lares.context.recalled'>
    const usage = { inputTokens: 0, outputTokens: 0 }
    const reply = { person, question: text, inReplyTo: rest.id, answers: [rest.id], text: 'I see.', usage }
    await kit.send(
      memory,
      firstEvent({
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
      for (const text of [...AROUND, ...conversation.told]) {
        at += 3 * 86_400_000
        await say(person, text)
      }
    at += 30 * 86_400_000
    const outcomes: Outcome[] = []
    for (const [n, { person, conversation }] of people.entries()) {
      const { question, right, stale, forget } = conversation
      const own = await say(person, question)
      // Of all that others told, too: not only of this line.
      const other = await say(`person-${(n + 1) % people.length}`, question)
      const stranger = await say('stranger', question)
      const holds = (text: string) =>
        text.includes(right) && !conversations[(n + 1) % people.length]!.told.join().includes(right)
      const outcome = own.answer.includes(right) ? 'said' : own.given.includes(right) ? 'given' : 'missed'
      let survived = false
      if (forget !== undefined) {
        await say(person, forget)
        const after = await say(person, question)
        survived = `${after.answer}\n${after.given}`.includes(right)
      }
      outcomes.push({
        ...conversation,
        outcome,
        saidStale: stale !== undefined && tells(own.answer, stale, right),
        leaked:
          holds(`${other.answer}\n${other.given}`) || `${stranger.answer}${stranger.given}`.includes(right),
        survived,
      })
    }
    return outcomes
  } finally {
    await kit.close()
  }
}

/** The old value by itself, not as a part of the new one. */
const tells = (text: string, stale: string, right: string): boolean =>
  text.replaceAll(right, '').includes(stale)
