import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { AssistantSettings } from '#shared/contract/context.ts'
import { webOrigin } from '#shared/contract/events/address.ts'
import type { EventDraft } from '#shared/contract/events/event.ts'
import type {
  EventData,
  EventType,
  Message,
  Reply,
  SkillResult,
} from '#shared/contract/events/event-types.ts'
import { derivedId } from '#shared/contract/events/ids.ts'
import type { MessageWrite } from '#shared/store/store.ts'
import { parseDeadLetter } from './events/dead-letter.ts'
import type { DialogState, RecalledMessage } from './state.ts'
import { type StepEvent, step } from './step.ts'
import type { StepInput } from './step-context.ts'

export const NOW = '2026-11-24T12:00:00.000Z'

export const skillManifest = (name: string, readsText = true): SkillManifest => ({
  name,
  description: `Does ${name}.`,
  examples: [],
  input: { type: 'object', properties: { what: { type: 'string' } } },
  readsText,
})

export const assistant: AssistantSettings = {
  name: 'Lares',
  instructions: 'Answer briefly.',
  mode: 'queue',
  maxSteps: 4,
  maxWaiting: 5,
}

export type RecalledOptions = Partial<Message> &
  Partial<Omit<RecalledMessage, 'message' | 'intent'>> & {
    skill?: string
    between?: [string, string]
  }

export function createRecalled(text: string, options: RecalledOptions = {}): RecalledMessage {
  const { skill, between, saidAt = NOW, memories = [], answer, ...message } = options
  const candidates = skill ? [{ skill, score: 0.9 }] : []
  return {
    message: {
      person: 'ann',
      text,
      attachments: [],
      ...webOrigin(message.person ?? 'ann', 'c'),
      language: 'en',
      timeZone: 'Europe/Berlin',
      ...message,
    },
    saidAt,
    intent: { skill: skill ?? null, score: 0.9, candidates, ...(between && { between }) },
    memories,
    ...(answer !== undefined && { answer }),
  }
}

export type DataOf<T extends EventType> = EventData<T>

/** The data of the drafts of one type. */
export const dataOf = <T extends EventType>(drafts: EventDraft[], type: T): EventData<T>[] =>
  drafts.filter(draft => draft.type === type).map(({ data }) => data as EventData<T>)

export const prompts = (drafts: EventDraft[]) => dataOf(drafts, 'lares.prompt.composed')
export const replies = (drafts: EventDraft[]): Reply[] => dataOf(drafts, 'lares.reply.completed')
export const requests = (drafts: EventDraft[]) =>
  drafts.filter(({ type }) => type.startsWith('lares.skill.')) as EventDraft<'lares.skill.x.requested'>[]

export type TestConversationOptions = Partial<StepInput> & { mode?: AssistantSettings['mode'] }

/** A conversation that only the pure step advances. Each of its methods returns the emitted drafts. */
export function openTestConversation({ mode = 'queue', ...options }: TestConversationOptions = {}) {
  const surroundings: StepInput = {
    assistant: { ...assistant, mode },
    skills: [skillManifest('time'), skillManifest('notes', false)],
    tools: true,
    nowIso: NOW,
    ...options,
  }
  const rows = new Map<string, MessageWrite>()
  let state: DialogState | undefined
  let events = 0
  let publishedId: string | undefined
  const take = (event: StepEvent): EventDraft[] => {
    const result = step(deepFreeze(state), event, { publishedId, ...surroundings })
    publishedId = event.id
    // The store keeps the state as JSON.
    state = JSON.parse(JSON.stringify(result.state)) as DialogState
    for (const row of result.messages) rows.set(row.id, row)
    return result.outcome
  }
  const id = () => derivedId('talk', 'event', events++)
  return {
    take,
    surroundings,
    get state() {
      return state!
    },
    /** Forgets whether the drafts of the last step have reached the log, as a crash would. */
    loseTrack() {
      publishedId = undefined
    },
    rows: () => [...rows.values()],
    status: (message: string) => rows.get(message)?.status,
    say: (message: string, text: string, saying?: RecalledOptions) =>
      take({
        type: 'lares.context.recalled',
        id: id(),
        correlationid: message,
        data: createRecalled(text, saying),
      }),
    generated: (
      turn: string,
      text: string,
      rest: Partial<EventData<'lares.generation.completed'>> & { calls?: string[] } = {},
    ) => {
      const { calls = [], ...data } = rest
      const toolCalls = calls.map((name, at) => ({ id: `call-${at}`, name, arguments: { what: `${at}` } }))
      const usage = { inputTokens: 10, outputTokens: 2 }
      const finishReason = 'stop' as const
      return take({
        type: 'lares.generation.completed',
        id: id(),
        correlationid: turn,
        data: { step: 0, text, toolCalls, finishReason, usage, model: 'm', ...data },
      })
    },
    returned: (
      turn: string,
      callId: string,
      text: string,
      status: SkillResult['status'] = 'ok',
      rest: Pick<SkillResult, 'asks'> = {},
    ) =>
      take({
        type: 'lares.result.returned',
        id: id(),
        correlationid: turn,
        data: { callId, step: 0, status, text, ...rest },
      }),
    fired: (timerId: string, text: string, rest: Partial<EventData<'lares.timer.fired'>> = {}) =>
      take({
        type: 'lares.timer.fired',
        id: id(),
        correlationid: timerId,
        data: { timerId, person: 'ann', text, language: 'en', dueAt: NOW, firedAt: NOW, ...rest },
      }),
    died: (type: EventType, turn: string, data?: unknown, errorCode = 'failed') => {
      const event = { id: id(), type, subject: 'c', correlationid: turn, time: NOW, data }
      return take({ type: 'dead-letter', id: id(), data: parseDeadLetter(event, errorCode)! })
    },
  }
}

export type TestConversation = ReturnType<typeof openTestConversation>

/** Makes any change of the value throw. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
