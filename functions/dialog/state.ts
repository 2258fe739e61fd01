import * as z from 'zod'
import {
  asks,
  attachmentNote,
  chatMessage,
  intent,
  language,
  memory,
  message,
  passage,
  reply,
  usage,
} from '#shared/contract/events/event-types.ts'

/** What dialog knows of one conversation. It is stored as JSON after every event, so everything in it is bounded. */

/** Ids of messages that have their reply, kept to tell a message that comes again under another event. */
export const MAX_SETTLED = 64
/** Turns that failed, kept so that a dead letter that is put back can still complete one. */
export const MAX_FAILED = 16

/** A message with what the stages before dialog found out about it. */
const recalled = z.object({
  message: message(),
  saidAt: z.string(),
  intent: intent(),
  memories: z.array(memory()),
  answer: z.string().optional(),
  passages: z.array(passage()).optional(),
  notice: z.string().optional(),
})
export type Recalled = z.infer<typeof recalled>

const callState = z.object({
  callId: z.string(),
  /** The id that the model gave the call. */
  toolCallId: z.string(),
  skill: z.string(),
  /** Null until it has come. */
  result: z.string().nullable(),
})

const stage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('model'), hasTools: z.boolean() }),
  /** A skill reads the person's words itself. */
  z.object({
    kind: z.literal('skill'),
    callId: z.string(),
    skill: z.string(),
    /** When the words are no answer to what this skill asked, they are this one's; without it, the model's. */
    otherwise: z.string().optional(),
  }),
  z.object({ kind: z.literal('tools'), calls: z.array(callState) }),
])

const said = z.object({
  id: z.string(),
  text: z.string(),
  saidAt: z.string(),
  attachments: z.array(attachmentNote()).optional(),
})
/** A person's message as the history shows it. */
export type Said = z.infer<typeof said>

const turn = z.object({
  /** The id of the last message that it answers. */
  id: z.string(),
  said: z.array(said),
  /** The message; of several that were merged the last one, with the text of all. */
  message: message(),
  saidAt: z.string(),
  /** The skills that it may want, from its intent. */
  candidates: intent().shape.candidates,
  memories: z.array(memory()),
  passages: z.array(passage()).default([]),
  /** The person was told that it failed, and it goes on nevertheless. */
  isLate: z.boolean(),
  /** The person wanted a fresh start meanwhile: it will not be in the transcript. */
  isForgotten: z.boolean(),
  /** The number of the prompt. */
  step: z.number(),
  stage,
  /** The text of the steps before this one. */
  text: z.string(),
  /** What the model and the tools said in this turn. */
  chat: z.array(chatMessage()),
  usage: usage(),
  /** What a skill asked the person for in this turn. */
  asks: z.object({ skill: z.string(), asked: asks().shape.asked, takesAnyWords: z.boolean() }).optional(),
})
export type Turn = z.infer<typeof turn>

const outcomeEvent = z.object({
  type: z.enum(['lares.generation.completed', 'lares.result.returned']),
  data: z.unknown(),
})

const waiting = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('message'), id: z.string(), recalled, isLate: z.boolean() }),
  /** A failure that is told when it is its message's turn. */
  z.object({ kind: z.literal('failure'), said, person: z.string(), language: language(), text: z.string() }),
  /** A failed turn that goes on with what came for it. */
  z.object({ kind: z.literal('revival'), turn, event: outcomeEvent }),
])
export type Waiting = z.infer<typeof waiting>

/** The replies of a step, with what their ids are made of: its event, and their places among what it made. */
const unpublished = z.object({
  causationid: z.string(),
  at: z.string(),
  replies: z.array(z.object({ index: z.number(), data: reply(), correlationid: z.string().optional() })),
})

/** States that were stored before there could be several have one or null. */
const asList = (stored: unknown) => (Array.isArray(stored) ? stored : stored ? [stored] : [])

const entry = z.object({ role: z.enum(['user', 'assistant']), text: z.string() })
export type Entry = z.infer<typeof entry>

/** What the person was asked, which their next message may answer. */
const question = z.discriminatedUnion('kind', [
  /** Which of two skills a message is for. */
  z.object({
    kind: z.literal('which'),
    skills: z.tuple([z.string(), z.string()]),
    message: message(),
    saidAt: z.string(),
  }),
  /** What a skill must know yet. */
  z.object({
    kind: z.literal('more'),
    skill: z.string(),
    asked: asks().shape.asked,
    takesAnyWords: z.boolean(),
  }),
])
export type Question = z.infer<typeof question>

const state = z.object({
  turn: turn.nullable(),
  waiting: z.array(waiting),
  /** Recent questions and answers, for the prompt. */
  transcript: z.array(entry),
  settled: z.array(z.string()),
  /** `turn` is null when the message never got as far as a turn. */
  failed: z.array(z.object({ messages: z.array(z.string()), turn: turn.nullable() })),
  question: question.nullable().default(null),
  /** What steps have said, the oldest first, as long as it may not be on the log: the next reply must not overtake it. */
  unpublished: z.preprocess(asList, z.array(unpublished)),
  /** Where the person last was. */
  timeZone: z.string(),
})
export type State = z.infer<typeof state>

export const emptyState = (): State => ({
  turn: null,
  waiting: [],
  transcript: [],
  settled: [],
  failed: [],
  question: null,
  unpublished: [],
  timeZone: 'UTC',
})

/** A copy of the stored state that may be changed; null when what is stored is no state. */
export function readState(stored: unknown): State | null {
  if (stored === undefined || stored === null) return emptyState()
  const result = state.safeParse(stored)
  return result.success ? result.data : null
}

/** Whether a message runs, waits, or has its reply. */
export const isKnown = ({ turn, waiting, settled, failed }: State, id: string): boolean =>
  settled.includes(id) ||
  failed.some(({ messages }) => messages.includes(id)) ||
  turn?.said.some(said => said.id === id) === true ||
  waiting.some(item => messagesOf(item).includes(id))

const messagesOf = (item: Waiting): string[] => {
  if (item.kind === 'message') return [item.id]
  return item.kind === 'failure' ? [item.said.id] : item.turn.said.map(({ id }) => id)
}
