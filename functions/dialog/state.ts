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

/** Dialog's state of one conversation. It is stored as JSON after every event, so everything in it is bounded. */

/** Ids of messages that have their reply. With them dialog recognises a message that arrives again in another event. */
export const MAX_SETTLED_IDS = 64
/** Failed turns, kept so that a dead letter that is put back can still complete one. */
export const MAX_FAILED_TURNS = 16

/** A message with the results of the stages before dialog. */
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
  /** Null until the result arrives. */
  result: z.string().nullable(),
})

const stageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('model'), hasTools: z.boolean() }),
  /** A skill reads the person's words itself. */
  z.object({
    kind: z.literal('skill'),
    callId: z.string(),
    skill: z.string(),
    /** The skill that reads the words when they do not answer this skill's question. Without it, the model does. */
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
  /** The skills that the message may want, from its intent. */
  candidates: intentSchema().shape.candidates,
  memories: z.array(memorySchema()),
  passages: z.array(passageSchema()).default([]),
  /** Dialog reported the turn as failed, and the turn now goes on late. */
  isLate: z.boolean(),
  /** The person asked for a fresh start during this turn, so the turn will not be in the transcript. */
  isForgotten: z.boolean(),
  /** The number of the prompt. */
  step: z.number(),
  stage: stageSchema,
  /** The text of the steps before this one. */
  text: z.string(),
  /** The messages of the model and the tools in this turn. */
  chat: z.array(chatMessageSchema()),
  usage: usageSchema(),
  /** The question of a skill to the person in this turn. */
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
  /** A failure that dialog reports in its message's turn. */
  z.object({
    kind: z.literal('failure'),
    said: userMessageSchema,
    person: z.string(),
    address: addressSchema().default(LEGACY_ADDRESS),
    language: languageSchema(),
    text: z.string(),
  }),
  /** A failed turn that goes on with a late result. */
  z.object({ kind: z.literal('revival'), turn: turnSchema, event: turnResultSchema }),
])
export type QueueItem = z.infer<typeof queueItemSchema>

/**
 * The replies of a step, with the parts of their ids: the step's event, and the index of each reply among its drafts.
 */
const unpublishedStepSchema = z.object({
  causationid: z.string(),
  at: z.string(),
  replies: z.array(
    z.object({ index: z.number(), data: replySchema(), correlationid: z.string().optional() }),
  ),
})

/** Older states have one step or null here; newer ones have several. */
const toArray = (stored: unknown) => (Array.isArray(stored) ? stored : stored ? [stored] : [])

const transcriptEntrySchema = z.object({
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  /** The member who said it or whom it answers; only in a group. */
  sender: senderSchema().optional(),
})
export type TranscriptEntry = z.infer<typeof transcriptEntrySchema>

/** The question to the person that their next message may answer. */
const pendingQuestionSchema = z.discriminatedUnion('kind', [
  /** A question which of two skills a message is for. */
  z.object({
    kind: z.literal('which'),
    skills: z.tuple([z.string(), z.string()]),
    message: messageSchema(),
    saidAt: z.string(),
  }),
  /** A question of a skill for missing input. */
  z.object({
    kind: z.literal('more'),
    skill: z.string(),
    asked: followUpQuestionSchema().shape.asked,
    takesAnyWords: z.boolean(),
    /** The member who was asked; only in a group. */
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
  /** The replies of steps that may not be on the log yet, the oldest first. The next reply must not overtake them. */
  unpublished: z.preprocess(toArray, z.array(unpublishedStepSchema)),
  /** The person's last known time zone. */
  timeZone: z.string(),
  /** The language of the last message with a recognisable language, as a BCP 47 tag. */
  language: z.string().optional(),
  /** The address of the last message; missing before the first one. */
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

/** A copy of the stored state that may be changed; null when the stored value is not a valid state. */
export function parseState(stored: unknown): DialogState | null {
  if (stored === undefined || stored === null) return emptyState()
  requireKnownVersion(stored)
  const result = stateSchema.safeParse(stored)
  return result.success ? result.data : null
}

/**
 * Rejects a state of a newer format. Otherwise an older dialog would begin the conversation afresh. The event waits for
 * a newer dialog instead.
 */
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
