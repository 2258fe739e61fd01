import * as z from 'zod'
import { newerDataError } from '#shared/base/version.ts'
import { addressSchema, LEGACY_ADDRESS, senderSchema } from '#shared/contract/events/address.ts'
import {
  attachmentSummarySchema,
  chatMessageSchema,
  followUpQuestionSchema,
  intentSchema,
  languageSchema,
  memorySchema,
  messageSchema,
  passageSchema,
  replySchema,
  usageSchema,
} from '#shared/contract/events/event-types.ts'

/** What dialog knows of one conversation. It is stored as JSON after every event, so everything in it is bounded. */

/** Ids of messages that have their reply, kept to tell a message that comes again under another event. */
export const MAX_SETTLED_IDS = 64
/** Turns that failed, kept so that a dead letter that is put back can still complete one. */
export const MAX_FAILED_TURNS = 16

/** A message with what the stages before dialog found out about it. */
const recalledMessageSchema = z.object({
  message: messageSchema(),
  saidAt: z.string(),
  intent: intentSchema(),
  memories: z.array(memorySchema()),
  answer: z.string().optional(),
  passages: z.array(passageSchema()).optional(),
  notice: z.string().optional(),
})
export type RecalledMessage = z.infer<typeof recalledMessageSchema>

const callStateSchema = z.object({
  callId: z.string(),
  /** The id that the model gave the call. */
  toolCallId: z.string(),
  skill: z.string(),
  /** Null until it has come. */
  result: z.string().nullable(),
})

const stageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('model'), hasTools: z.boolean() }),
  /** A skill reads the person's words itself. */
  z.object({
    kind: z.literal('skill'),
    callId: z.string(),
    skill: z.string(),
    /** When the words are no answer to what this skill asked, they are this one's; without it, the model's. */
    otherwise: z.string().optional(),
  }),
  z.object({ kind: z.literal('tools'), calls: z.array(callStateSchema) }),
])

const userMessageSchema = z.object({
  id: z.string(),
  text: z.string(),
  saidAt: z.string(),
  attachments: z.array(attachmentSummarySchema()).optional(),
  address: addressSchema().optional(),
  sender: senderSchema().optional(),
})
/** A person's message as the history shows it. */
export type UserMessage = z.infer<typeof userMessageSchema>

const turnSchema = z.object({
  /** The id of the last message that it answers. */
  id: z.string(),
  said: z.array(userMessageSchema),
  /** The message; of several that were merged the last one, with the text of all. */
  message: messageSchema(),
  saidAt: z.string(),
  /** The skills that it may want, from its intent. */
  candidates: intentSchema().shape.candidates,
  memories: z.array(memorySchema()),
  passages: z.array(passageSchema()).default([]),
  /** The person was told that it failed, and it goes on nevertheless. */
  isLate: z.boolean(),
  /** The person wanted a fresh start meanwhile: it will not be in the transcript. */
  isForgotten: z.boolean(),
  /** The number of the prompt. */
  step: z.number(),
  stage: stageSchema,
  /** The text of the steps before this one. */
  text: z.string(),
  /** What the model and the tools said in this turn. */
  chat: z.array(chatMessageSchema()),
  usage: usageSchema(),
  /** What a skill asked the person for in this turn. */
  asks: z
    .object({ skill: z.string(), asked: followUpQuestionSchema().shape.asked, takesAnyWords: z.boolean() })
    .optional(),
})
export type Turn = z.infer<typeof turnSchema>

const turnResultSchema = z.object({
  type: z.enum(['lares.generation.completed', 'lares.result.returned']),
  data: z.unknown(),
})

const queueItemSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('message'),
    id: z.string(),
    recalled: recalledMessageSchema,
    isLate: z.boolean(),
  }),
  /** A failure that is told when it is its message's turn. */
  z.object({
    kind: z.literal('failure'),
    said: userMessageSchema,
    person: z.string(),
    address: addressSchema().default(LEGACY_ADDRESS),
    language: languageSchema(),
    text: z.string(),
  }),
  /** A failed turn that goes on with what came for it. */
  z.object({ kind: z.literal('revival'), turn: turnSchema, event: turnResultSchema }),
])
export type QueueItem = z.infer<typeof queueItemSchema>

/** The replies of a step, with what their ids are made of: its event, and their places among what it made. */
const unpublishedStepSchema = z.object({
  causationid: z.string(),
  at: z.string(),
  replies: z.array(
    z.object({ index: z.number(), data: replySchema(), correlationid: z.string().optional() }),
  ),
})

/** States that were stored before there could be several have one or null. */
const toArray = (stored: unknown) => (Array.isArray(stored) ? stored : stored ? [stored] : [])

const transcriptEntrySchema = z.object({
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  /** Who said it, or whom it answers; only in a group. */
  sender: senderSchema().optional(),
})
export type TranscriptEntry = z.infer<typeof transcriptEntrySchema>

/** What the person was asked, which their next message may answer. */
const pendingQuestionSchema = z.discriminatedUnion('kind', [
  /** Which of two skills a message is for. */
  z.object({
    kind: z.literal('which'),
    skills: z.tuple([z.string(), z.string()]),
    message: messageSchema(),
    saidAt: z.string(),
  }),
  /** What a skill must know yet. */
  z.object({
    kind: z.literal('more'),
    skill: z.string(),
    asked: followUpQuestionSchema().shape.asked,
    takesAnyWords: z.boolean(),
    /** Who was asked; only in a group. */
    sender: senderSchema().optional(),
  }),
])
export type PendingQuestion = z.infer<typeof pendingQuestionSchema>

/** The format of a stored state. A state without a version is of format 1. */
const STATE_VERSION = 1

const stateSchema = z.object({
  version: z.literal(STATE_VERSION).default(STATE_VERSION),
  turn: turnSchema.nullable(),
  waiting: z.array(queueItemSchema),
  /** Recent questions and answers, for the prompt. */
  transcript: z.array(transcriptEntrySchema),
  settled: z.array(z.string()),
  /** `turn` is null when the message never got as far as a turn. */
  failed: z.array(z.object({ messages: z.array(z.string()), turn: turnSchema.nullable() })),
  question: pendingQuestionSchema.nullable().default(null),
  /** What steps have said, the oldest first, as long as it may not be on the log: the next reply must not overtake it. */
  unpublished: z.preprocess(toArray, z.array(unpublishedStepSchema)),
  /** Where the person last was. */
  timeZone: z.string(),
  /** The language of the last message that told its own, as a BCP 47 tag. */
  language: z.string().optional(),
  /** Where the conversation was last heard of; not there before its first message. */
  address: addressSchema().optional(),
})
export type DialogState = z.infer<typeof stateSchema>

export const emptyState = (): DialogState => ({
  version: STATE_VERSION,
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
export function parseState(stored: unknown): DialogState | null {
  if (stored === undefined || stored === null) return emptyState()
  requireKnownVersion(stored)
  const result = stateSchema.safeParse(stored)
  return result.success ? result.data : null
}

/** Without this an older dialog would begin the conversation afresh. Its event waits for the newer one instead. */
function requireKnownVersion(stored: unknown): void {
  const { version = STATE_VERSION } = stored as { version?: number }
  if (version > STATE_VERSION)
    throw newerDataError({
      what: 'the state of the conversation',
      found: version,
      known: STATE_VERSION,
      isRetryable: true,
    })
}

/** Whether a message runs, waits, or has its reply. */
export const isKnownMessage = ({ turn, waiting, settled, failed }: DialogState, id: string): boolean =>
  settled.includes(id) ||
  failed.some(({ messages }) => messages.includes(id)) ||
  turn?.said.some(said => said.id === id) === true ||
  waiting.some(item => messageIdsOf(item).includes(id))

const messageIdsOf = (item: QueueItem): string[] => {
  if (item.kind === 'message') return [item.id]
  return item.kind === 'failure' ? [item.said.id] : item.turn.said.map(({ id }) => id)
}
