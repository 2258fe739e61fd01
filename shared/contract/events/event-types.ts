import * as z from 'zod'
import { lazy } from '../../base/concurrency/lazy.ts'
import {
  addressSchema,
  LEGACY_ADDRESS,
  ownerOf,
  principalSchema,
  senderSchema,
  withOrigin,
} from './address.ts'

/**
 * Every event type of Lares with the schema of its data. `*` in a type stands for one name (a skill, a webhook). A
 * type's topic is the type without its last word; no other routing table exists. Each schema is created at its first
 * use: a function meets few of them, and all together take 15 ms of its start.
 */

/** The data that a schema describes. */
type SchemaOutput<Shape extends () => z.ZodType> = z.output<ReturnType<Shape>>

/** The pattern for the names of functions, skills and webhooks. */
const NAME = '[a-z][a-z0-9-]{0,62}'

/** The name of a function, a skill or a webhook. */
export const nameSchema = z
  .string()
  .regex(new RegExp(`^${NAME}$`), 'a name has lower-case letters, digits and dashes')

/** A BCP 47 tag: `en`, `zh-Hant`, `de-AT`. */
export const languageSchema = lazy(() =>
  z
    .string()
    .regex(/^[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{1,8}){0,7}$/, 'a language is a BCP 47 tag, as "de" or "zh-Hant"'),
)
export type Language = SchemaOutput<typeof languageSchema>

export const attachmentSchema = lazy(() =>
  z.strictObject({
    name: z.string().min(1).max(255),
    mediaType: z.string().max(255),
    /** The key of the bytes in the object store. */
    object: z.string(),
    bytes: z.int().nonnegative(),
  }),
)

/** The attachment as the history shows it. Only the message's event holds the key of its bytes. */
export const attachmentSummarySchema = lazy(() => attachmentSchema().omit({ object: true }))
export type AttachmentSummary = SchemaOutput<typeof attachmentSummarySchema>

export const turnMessageSchema = lazy(() =>
  z.strictObject({ role: z.enum(['user', 'assistant']), text: z.string() }),
)

/** A person's message. The event's id is the id of the message and of the turn. */
export const messageSchema = lazy(() =>
  z.preprocess(
    withOrigin,
    z
      .strictObject({
        /** The owner of the conversation (`ownerOf` its principal). In a group, the sender is another person. */
        person: z.string().min(1).max(255),
        text: z.string(),
        attachments: z.array(attachmentSchema()).default([]),
        /** The address for the reply. */
        address: addressSchema(),
        sender: senderSchema(),
        principal: principalSchema(),
        language: languageSchema(),
        timeZone: z.string().max(64),
        /** Earlier messages that the caller sends along instead of having Lares keep them (OpenAI API). */
        history: z.array(turnMessageSchema()).optional(),
        /** The caller's instructions (the OpenAI API's system message). */
        instructions: z.string().optional(),
      })
      .refine(({ person, principal }) => ownerOf(principal) === person, {
        path: ['person'],
        message: 'the person and the principal of a message are the same owner',
      }),
  ),
)
export type Message = SchemaOutput<typeof messageSchema>

/**
 * `skill` is null when the message asks for none of the deployed skills. Scores are in 0..1; the best candidates come
 * first.
 */
export const intentSchema = lazy(() =>
  z.strictObject({
    skill: nameSchema.nullable(),
    score: z.number(),
    candidates: z.array(z.strictObject({ skill: nameSchema, score: z.number() })),
    /** Two skills with about equal scores, `skill` first. Only the person can decide between them. */
    between: z.tuple([nameSchema, nameSchema]).optional(),
  }),
)
export type Intent = SchemaOutput<typeof intentSchema>

export const memorySchema = lazy(() =>
  z.strictObject({
    id: z.string(),
    text: z.string(),
    score: z.number(),
    createdAt: z.iso.datetime(),
  }),
)
export type Memory = SchemaOutput<typeof memorySchema>

/** A passage of the person's documents and its citation: `(lease.pdf, page 3)`. */
export const passageSchema = lazy(() => z.strictObject({ cite: z.string(), text: z.string() }))
export type Passage = SchemaOutput<typeof passageSchema>

export const toolCallSchema = lazy(() =>
  z.strictObject({
    id: z.string(),
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
  }),
)

export const chatMessageSchema = lazy(() =>
  z.discriminatedUnion('role', [
    z.strictObject({ role: z.literal('system'), content: z.string() }),
    z.strictObject({ role: z.literal('user'), content: z.string() }),
    z.strictObject({
      role: z.literal('assistant'),
      content: z.string(),
      toolCalls: z.array(toolCallSchema()).optional(),
    }),
    z.strictObject({ role: z.literal('tool'), content: z.string(), toolCallId: z.string() }),
  ]),
)
export type ChatMessage = SchemaOutput<typeof chatMessageSchema>

export const toolSchema = lazy(() =>
  z.strictObject({
    name: nameSchema,
    description: z.string(),
    parameters: z.record(z.string(), z.unknown()),
  }),
)
export type Tool = SchemaOutput<typeof toolSchema>

export const usageSchema = lazy(() =>
  z.strictObject({
    inputTokens: z.int().nonnegative(),
    outputTokens: z.int().nonnegative(),
  }),
)
export type Usage = SchemaOutput<typeof usageSchema>

/** `stack` shows where the function's code failed, for its author. */
const failureSchema = lazy(() =>
  z.strictObject({ code: z.string(), message: z.string(), stack: z.string().optional() }),
)

/** `text` may be null when `input` alone calls the skill (a tool call of the model). */
export const skillRequestSchema = lazy(() =>
  z.strictObject({
    callId: z.string(),
    step: z.int().nonnegative(),
    person: z.string(),
    /** The input from the model; null when the skill reads `text` itself. */
    input: z.record(z.string(), z.unknown()).nullable(),
    text: z.string(),
    language: languageSchema(),
    timeZone: z.string(),
    /** When the person said it. "In one minute" counts from then. */
    saidAt: z.iso.datetime(),
    /** The address of the message. */
    address: addressSchema().optional(),
    sender: senderSchema().optional(),
    /** The state of the skill's follow-up question, when `text` may be its answer. */
    asked: z.record(z.string(), z.unknown()).optional(),
  }),
)
export type SkillRequest = SchemaOutput<typeof skillRequestSchema>

/** The skill's text asks the person for more, and their next message may be the answer. */
export const followUpQuestionSchema = lazy(() =>
  z.strictObject({
    /** The values known so far. The skill gets them back with the answer. */
    asked: z.record(z.string(), z.unknown()),
    /** Any words may answer. A message that another skill handles is then not an answer. */
    takesAnyWords: z.boolean().optional(),
  }),
)
export type FollowUpQuestion = SchemaOutput<typeof followUpQuestionSchema>

/** `declined` means that the skill could not read its input from the text and has done nothing. */
export const skillResultSchema = lazy(() =>
  z.strictObject({
    callId: z.string(),
    step: z.int().nonnegative(),
    status: z.enum(['ok', 'declined', 'failed']),
    text: z.string(),
    data: z.unknown().optional(),
    asks: followUpQuestionSchema().optional(),
  }),
)
export type SkillResult = SchemaOutput<typeof skillResultSchema>

export const replySchema = lazy(() =>
  z.strictObject({
    /** The owner of the conversation. */
    person: z.string(),
    /**
     * The address for delivery: that of the message, or the last one known of the conversation. The reply goes nowhere
     * else.
     */
    address: addressSchema().default(LEGACY_ADDRESS),
    /** The sender of the answered message. Missing when the assistant speaks by itself. */
    sender: senderSchema().optional(),
    /** The answered message; null when the assistant speaks by itself (a reminder). */
    inReplyTo: z.string().nullable(),
    /** All messages that this reply answers: several when they were merged. */
    answers: z.array(z.string()),
    /** The person's words, for functions that learn from them; empty when the reply answers no message. */
    question: z.string(),
    /** The time of the last answered message. A reply that is published again has a later time itself. */
    saidAt: z.iso.datetime({ offset: true }).optional(),
    text: z.string(),
    status: z.enum(['completed', 'failed', 'interrupted']),
    usage: usageSchema(),
    language: languageSchema(),
  }),
)
export type Reply = SchemaOutput<typeof replySchema>

const dataSchemas = {
  'lares.message.received': messageSchema,
  'lares.message.transcribed': messageSchema,
  'lares.intent.recognised': lazy(() =>
    z.strictObject({
      message: messageSchema(),
      saidAt: z.iso.datetime(),
      intent: intentSchema(),
    }),
  ),
  'lares.context.recalled': lazy(() =>
    z.strictObject({
      message: messageSchema(),
      saidAt: z.iso.datetime(),
      intent: intentSchema(),
      memories: z.array(memorySchema()),
      /** An answer that memory gives by itself, without a model. */
      answer: z.string().optional(),
      /** Passages of the person's documents, best match first. A model answers from them. */
      passages: z.array(passageSchema()).optional(),
      /**
       * A text at the start of the reply, whichever function gives the reply: for example, that a document was read.
       */
      notice: z.string().optional(),
    }),
  ),
  'lares.prompt.composed': lazy(() =>
    z.strictObject({
      step: z.int().nonnegative(),
      /** The start of this step's text within the reply, in UTF-16 units. */
      offset: z.int().nonnegative(),
      messages: z.array(chatMessageSchema()).min(1),
      tools: z.array(toolSchema()),
      /** In a group, the sender of the message. */
      sender: senderSchema().optional(),
    }),
  ),
  'lares.stream.extended': lazy(() =>
    z.strictObject({
      step: z.int().nonnegative(),
      /**
       * The start of `text` within the reply, in UTF-16 units. A chunk with an earlier offset than the text seen so far
       * replaces the text from there on.
       */
      offset: z.int().nonnegative(),
      text: z.string(),
    }),
  ),
  'lares.generation.completed': lazy(() =>
    z.strictObject({
      step: z.int().nonnegative(),
      text: z.string(),
      toolCalls: z.array(toolCallSchema()),
      finishReason: z.enum(['stop', 'length', 'tool-calls']),
      usage: usageSchema(),
      model: z.string(),
    }),
  ),
  'lares.skill.*.requested': skillRequestSchema,
  'lares.result.returned': skillResultSchema,
  'lares.reply.completed': replySchema,
  'lares.learning.requested': lazy(() =>
    z.strictObject({
      person: z.string(),
      /** The message in which a model looks for facts worth remembering. */
      message: z.string(),
      text: z.string(),
      saidAt: z.iso.datetime(),
      /** The person's known memories, newest first. */
      known: z.array(z.strictObject({ id: z.string(), text: z.string() })),
    }),
  ),
  'lares.facts.learnt': lazy(() =>
    z.strictObject({
      person: z.string(),
      message: z.string(),
      saidAt: z.iso.datetime(),
      /** `replaces` is the id of a memory that no longer holds. */
      facts: z.array(z.strictObject({ text: z.string().min(1), replaces: z.string().optional() })).min(1),
    }),
  ),
  'lares.media.requested': lazy(() =>
    z.strictObject({
      callId: z.string(),
      attachments: z.array(attachmentSchema()),
      person: z.string(),
    }),
  ),
  'lares.timer.fired': lazy(() =>
    z.strictObject({
      timerId: z.string(),
      person: z.string(),
      text: z.string(),
      language: languageSchema(),
      dueAt: z.iso.datetime(),
      firedAt: z.iso.datetime(),
      /** The address where the person set it. */
      address: addressSchema().optional(),
    }),
  ),
  'lares.webhook.*.received': lazy(() =>
    z.strictObject({
      headers: z.record(z.string(), z.string()),
      body: z.unknown(),
    }),
  ),
  'lares.deadletter.recorded': lazy(() =>
    z.strictObject({
      function: nameSchema,
      error: failureSchema(),
      tries: z.int().positive(),
      firstTriedAt: z.iso.datetime(),
      topic: z.string(),
      partition: z.int().nonnegative(),
      offset: z.int().nonnegative(),
      /**
       * The event as it was, in CloudEvents' JSON format, so that an operator can put it back. When the record is not
       * an event: its headers and bytes (base64).
       */
      event: z.record(z.string(), z.unknown()).optional(),
      headers: z.record(z.string(), z.string()).optional(),
      raw: z.string().optional(),
    }),
  ),
} as const

type Schemas = typeof dataSchemas
type ExpandPattern<Pattern> = Pattern extends `${infer Head}*${infer Tail}`
  ? `${Head}${string}${Tail}`
  : Pattern

/** A type as written in an event. */
export type EventType = ExpandPattern<keyof Schemas>

/** The data of an event of type T. */
export type EventData<T extends EventType> = {
  [P in keyof Schemas]: T extends ExpandPattern<P> ? SchemaOutput<Schemas[P]> : never
}[keyof Schemas]

/** The types of the table, with `*` for a name. */
export const eventTypePatterns = Object.keys(dataSchemas) as (keyof Schemas)[]

const NAMED_TYPE = new RegExp(`^lares\\.(skill|webhook)\\.(${NAME})\\.(requested|received)$`)

/** The entry of the table for a type as written in an event; undefined for an unknown type. */
function patternOf(type: string): keyof Schemas | undefined {
  if (Object.hasOwn(dataSchemas, type)) return type.includes('*') ? undefined : (type as keyof Schemas)
  const named = NAMED_TYPE.exec(type)
  const pattern = `lares.${named?.[1]}.*.${named?.[3]}`
  return Object.hasOwn(dataSchemas, pattern) ? (pattern as keyof Schemas) : undefined
}

export const isEventType = (type: string): type is EventType => patternOf(type) !== undefined

/** The schema of a type's data; undefined for an unknown type. */
export function dataSchemaOf(type: string): z.ZodType | undefined {
  const pattern = patternOf(type)
  return pattern && dataSchemas[pattern]()
}

/** `lares.message.received` → `lares.message`. */
export const topicOf = (type: string): string => type.slice(0, type.lastIndexOf('.'))

export const skillRequestType = (skill: string): `lares.skill.${string}.requested` =>
  `lares.skill.${skill}.requested`
