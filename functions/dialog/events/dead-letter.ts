import * as z from 'zod'
import { type Address, addressSchema, senderSchema, withOrigin } from '#shared/contract/events/address.ts'
import { type Language, languageSchema, skillRequestType } from '#shared/contract/events/event-types.ts'
import { apologyText, toolFailedText } from '../messages.ts'
import { isKnownMessage, type Turn, type UserMessage } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { failTurn } from '../turn/completion.ts'
import { isQueueFull, replyWithFailure } from '../turn/queue.ts'
import { setToolResult } from './result.ts'

/** The part of a dead letter that dialog needs. */
export type DeadLetter = {
  id: string
  type: string
  /** The message of the turn in which the event failed. */
  messageId: string
  errorCode: string
  callId?: string
  step?: number
  /** The person's message, where it is known. It is missing when the claim check was not resolved. */
  said?: { person: string; address: Address; language: Language; said: UserMessage }
}

const failedEventSchema = z.object({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  correlationid: z.string(),
  time: z.string(),
  /** Missing when it was too large for the log. */
  data: z.unknown().optional(),
})

const messageTextSchema = z.preprocess(
  withOrigin,
  z.object({
    person: z.string(),
    text: z.string(),
    address: addressSchema(),
    sender: senderSchema().optional(),
    language: languageSchema(),
  }),
)
const enrichedMessageSchema = z.object({ message: messageTextSchema, saidAt: z.string() })
const turnPositionSchema = z.object({ callId: z.string().optional(), step: z.number().optional() })

/** Returns undefined when the event does not belong to a turn. */
export function parseDeadLetter(event: unknown, errorCode: string): DeadLetter | undefined {
  const failed = failedEventSchema.safeParse(event).data
  if (!failed) return undefined
  const said = userMessageIn(failed)
  return {
    id: failed.id,
    type: failed.type,
    messageId: failed.correlationid,
    errorCode,
    ...turnPositionSchema.safeParse(failed.data).data,
    ...(said && { said }),
  }
}

function userMessageIn(failed: z.infer<typeof failedEventSchema>): DeadLetter['said'] {
  const bare = messageTextSchema.safeParse(failed.data).data
  const enriched = enrichedMessageSchema.safeParse(failed.data).data
  const message = bare ?? enriched?.message
  if (!message) return undefined
  const { person, text, address, sender, language } = message
  const saidAt = enriched?.saidAt ?? failed.time
  return {
    person,
    address,
    language,
    said: { id: failed.correlationid, text, saidAt, address, ...(sender && { sender }) },
  }
}

/** Events of a message on its way to dialog. */
const PRE_DIALOG_TYPES = new Set([
  'lares.message.received',
  'lares.message.transcribed',
  'lares.intent.recognised',
  'lares.context.recalled',
])

export const failedBeforeDialog = ({ type }: DeadLetter): boolean => PRE_DIALOG_TYPES.has(type)

/** Fails the turn or message that cannot go on, so that no turn hangs and no message is silently lost. */
export function onDeadLetter(context: StepContext, deadLetter: DeadLetter): void {
  const { state } = context
  if (failedBeforeDialog(deadLetter)) failMessage(context, deadLetter)
  else if (state.turn?.id === deadLetter.messageId) failStage(context, state.turn, deadLetter)
  else context.debugMessages.push('a dead letter is of no turn that runs')
}

/**
 * Fails a message that did not reach dialog. Dialog reports the failure in the message's turn, where its answer would
 * have been.
 */
function failMessage(context: StepContext, deadLetter: DeadLetter): void {
  const { state } = context
  if (isKnownMessage(state, deadLetter.messageId) || !deadLetter.said) {
    context.debugMessages.push('a dead letter is of a message that is known already, or nobody knows whose')
    return
  }
  const { person, address, language, said } = deadLetter.said
  const text = apologyText(deadLetter.type, deadLetter.errorCode, language)
  const failure = { kind: 'failure' as const, said, person, address, language, text }
  if (isQueueFull(context)) replyWithFailure(context, failure)
  else state.waiting.push(failure)
}

function failStage(context: StepContext, turn: Turn, deadLetter: DeadLetter): void {
  const { stage } = turn
  const isModelEvent =
    deadLetter.type === 'lares.prompt.composed' || deadLetter.type === 'lares.generation.completed'
  const isCallEvent =
    deadLetter.type === 'lares.result.returned' || deadLetter.type.startsWith('lares.skill.')
  const text = apologyText(deadLetter.type, deadLetter.errorCode, turn.message.language)
  if (stage.kind === 'model' && isModelEvent && matchesOrUnknown(deadLetter.step, turn.step))
    failTurn(context, turn, text)
  else if (stage.kind === 'skill' && isCallEvent && matchesOrUnknown(deadLetter.callId, stage.callId))
    failTurn(context, turn, text)
  else if (stage.kind === 'tools' && isCallEvent) failCalls(context, turn, stage.calls, deadLetter)
  else context.debugMessages.push('a dead letter is of a part of the turn that is over')
}

/**
 * An event with an unresolved claim check does not name its step or call. The function then assumes that the turn waits
 * for this event.
 */
const matchesOrUnknown = <T>(reported: T | undefined, expected: T): boolean =>
  reported === undefined || reported === expected

type ToolCallStates = Extract<Turn['stage'], { kind: 'tools' }>['calls']

/** Reports to the model that its call failed. The model goes on without the result. */
function failCalls(
  context: StepContext,
  turn: Turn,
  calls: ToolCallStates,
  { type, callId }: DeadLetter,
): void {
  const isFailed = (call: ToolCallStates[number]) =>
    callId === undefined
      ? type === 'lares.result.returned' || type === skillRequestType(call.skill)
      : call.callId === callId
  for (const call of calls.filter(isFailed)) setToolResult(context, turn, call.callId, toolFailedText)
}
