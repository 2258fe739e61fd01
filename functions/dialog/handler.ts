import { toLaresError } from '#shared/base/errors.ts'
import type { FunctionContext } from '#shared/contract/context.ts'
import { defineFunction, type ReceivedEvent } from '#shared/contract/definition.ts'
import type { Draft, LaresEvent } from '#shared/contract/events/event.ts'
import { claim } from '#shared/contract/events/event-log.ts'
import { type EventData, schemaOf } from '#shared/contract/events/event-types.ts'
import { languageOf } from '#shared/language/detection.ts'
import type { Conversations, ModelCall } from '#shared/store/store.ts'
import { type DeadLetter, isOnTheWay, readDeadLetter } from './events/dead-letter.ts'
import { canUseTools } from './prompt/tool-support.ts'
import { type StepEvent, step } from './step.ts'

const receives = [
  'lares.context.recalled',
  'lares.generation.completed',
  'lares.result.returned',
  'lares.timer.fired',
  'lares.deadletter.recorded',
] as const

type Received = ReceivedEvent<(typeof receives)[number]>
type Context = FunctionContext<'conversations' | 'catalogue' | 'assistant' | 'models' | 'objects'>

/** Owns the conversation: one turn at a time, every step in one transaction under the id of its event. */
export default defineFunction({
  name: 'dialog',
  receives,
  emits: ['lares.prompt.composed', 'lares.skill.*.requested', 'lares.reply.completed'],
  uses: ['conversations', 'catalogue', 'assistant', 'models', 'objects'],
  handle: (event, context) =>
    event.type === 'lares.deadletter.recorded' ? takeDeadLetter(event, context) : take(event, event, context),
})

async function take(received: Received, event: StepEvent, context: Context): Promise<Draft[]> {
  const { conversations, catalogue, assistant, models, log } = context
  const conversation = received.subject
  const person = personIn(event) ?? (await conversations.history.conversation(conversation))?.person
  if (person === undefined) {
    log.warn(
      { event: event.id, type: event.type },
      'an event of a conversation that nobody began is left out',
    )
    return []
  }
  const surroundings = {
    assistant,
    skills: await catalogue.skills(),
    tools: await canUseTools(models, context.now, log),
    nowIso: new Date(context.now()).toISOString(),
    publishedId: received.publishedid,
  }
  return await conversations.step<unknown, Draft[]>({
    conversation,
    person,
    eventId: received.id,
    apply(state) {
      const { notes, ...result } = step(state, event, surroundings)
      for (const note of notes) log.debug({ event: event.id, type: event.type, conversation }, note)
      return { ...result, modelCalls: callsIn(event) }
    },
  })
}

/** A model was called, whether its answer still matters or not. */
function callsIn(event: StepEvent): ModelCall[] {
  if (event.type !== 'lares.generation.completed') return []
  const { model, usage } = event.data
  return [{ model, ...usage }]
}

function personIn(event: StepEvent): string | undefined {
  if (event.type === 'lares.context.recalled') return event.data.message.person
  if (event.type === 'lares.timer.fired') return event.data.person
  return event.type === 'dead-letter' ? event.data.said?.person : undefined
}

async function takeDeadLetter(
  event: ReceivedEvent<'lares.deadletter.recorded'>,
  context: Context,
): Promise<Draft[]> {
  const { event: failed, error } = event.data
  const dead = readDeadLetter(failed, error.code)
  if (!dead) return []
  const { id, subject, correlationid } = event
  // Its own step comes first: what failed may have come again since, and have been taken after all.
  const told = await recordedOutcome(context.conversations, subject, id)
  if (told) return told
  const recorded = await recordedOutcome(context.conversations, subject, dead.id)
  if (recorded) return recorded.map(draft => ({ causationid: dead.id, ...draft }))
  const timer = dead.type === 'lares.timer.fired' && schemaOf(dead.type)?.safeParse(failed?.data).data
  if (timer)
    return await take(event, { type: 'lares.timer.fired', id, correlationid, data: timer as Timer }, context)
  const known = dead.said ? dead : await withRow(dead, subject, context.conversations)
  const data = known.said || !isOnTheWay(dead) ? known : await withClaim(known, failed, context)
  return await take(event, { type: 'dead-letter', id, data }, context)
}

type Timer = EventData<'lares.timer.fired'>

/**
 * What dialog's step made of an event before, undefined when there was no such step. Of an event that then became a dead
 * letter, because what was made did not get through, it is said again, since the state has moved on and waits for what
 * follows, and under the ids of then: some of it may have got through.
 */
async function recordedOutcome(
  { step }: Conversations,
  conversation: string,
  eventId: string,
): Promise<Draft[] | undefined> {
  const notRecorded = new Error('not recorded')
  const apply = () => {
    throw notRecorded
  }
  try {
    return await step<unknown, Draft[]>({ conversation, person: '', eventId, apply })
  } catch (error) {
    if (error === notRecorded) return undefined
    throw error
  }
}

/** The history knows what was said when the event itself does not tell. */
async function withRow(dead: DeadLetter, subject: string, { history }: Conversations): Promise<DeadLetter> {
  const row = await history.message(dead.message)
  const conversation = await history.conversation(subject)
  if (row?.conversation !== subject || row.role !== 'user' || !conversation) return dead
  const { id, text, createdAt: saidAt } = row
  return {
    ...dead,
    said: { person: conversation.person, language: languageOf(text), said: { id, text, saidAt } },
  }
}

/**
 * The gateway tells the history after the log, so a message may fail before the history knows it. Then its claim check
 * is redeemed, as the function that failed would have done. Errors: `unavailable`.
 */
async function withClaim(dead: DeadLetter, failed: unknown, { objects, log }: Context): Promise<DeadLetter> {
  try {
    return readDeadLetter(await claim(failed as LaresEvent, objects), dead.errorCode) ?? dead
  } catch (thrown) {
    const error = toLaresError(thrown)
    if (error.retryable) throw error
    log.warn({ event: dead.id, err: error }, 'the data of an event that failed for good cannot be had')
    return dead
  }
}
