import { toLaresError } from '#shared/base/errors.ts'
import type { FunctionContext } from '#shared/contract/context.ts'
import { defineFunction, type ReceivedEvent } from '#shared/contract/definition.ts'
import { webAddress } from '#shared/contract/events/address.ts'
import type { EventDraft, LaresEvent } from '#shared/contract/events/event.ts'
import { resolveDataRef } from '#shared/contract/events/event-log.ts'
import { dataSchemaOf, type EventData } from '#shared/contract/events/event-types.ts'
import { detectLanguage } from '#shared/language/detection.ts'
import { type ModelCapabilities, openModelCapabilities } from '#shared/models/model-capabilities.ts'
import type { ModelCall, Store } from '#shared/store/store.ts'
import { type DeadLetter, failedBeforeDialog, parseDeadLetter } from './events/dead-letter.ts'
import { type StepEvent, step } from './step.ts'

const receives = [
  'lares.context.recalled',
  'lares.generation.completed',
  'lares.result.returned',
  'lares.timer.fired',
  'lares.deadletter.recorded',
] as const

type DialogEvent = ReceivedEvent<(typeof receives)[number]>
type Context = FunctionContext<'store' | 'catalogue' | 'assistant' | 'models' | 'objects', ModelCapabilities>

/** Owns the conversation: one turn at a time, every step in one transaction under the id of its event. */
export default defineFunction({
  name: 'dialog',
  receives,
  emits: ['lares.prompt.composed', 'lares.skill.*.requested', 'lares.reply.completed'],
  uses: ['store', 'catalogue', 'assistant', 'models', 'objects'],
  init: ({ models, ...tools }) => openModelCapabilities(models, tools),
  handle: (event, context) =>
    event.type === 'lares.deadletter.recorded'
      ? handleDeadLetterEvent(event, context)
      : runStep(event, event, context),
})

async function runStep(received: DialogEvent, event: StepEvent, context: Context): Promise<EventDraft[]> {
  const { store, catalogue, assistant, log, state: capabilities } = context
  const conversation = received.subject
  const person = personOf(event) ?? (await store.history.conversation(conversation))?.person
  if (person === undefined) {
    log.warn(
      { event: event.id, type: event.type },
      'an event of a conversation that nobody began is left out',
    )
    return []
  }
  const stepInput = {
    assistant,
    skills: await catalogue.skills(),
    // Until the capabilities are known, dialog assumes that the model can call tools.
    tools: (await capabilities.known())?.tools ?? true,
    nowIso: new Date(context.now()).toISOString(),
    publishedId: received.publishedid,
  }
  return await store.step<unknown, EventDraft[]>({
    conversation,
    person,
    eventId: received.id,
    apply(state) {
      const { debugMessages, ...result } = step(state, event, stepInput)
      for (const note of debugMessages) log.debug({ event: event.id, type: event.type, conversation }, note)
      return { ...result, modelCalls: modelCallsOf(event) }
    },
  })
}

/** The model call counts, whether its answer still matters or not. */
function modelCallsOf(event: StepEvent): ModelCall[] {
  if (event.type !== 'lares.generation.completed') return []
  const { model, usage } = event.data
  return [{ model, ...usage }]
}

function personOf(event: StepEvent): string | undefined {
  if (event.type === 'lares.context.recalled') return event.data.message.person
  if (event.type === 'lares.timer.fired') return event.data.person
  return event.type === 'dead-letter' ? event.data.said?.person : undefined
}

async function handleDeadLetterEvent(
  event: ReceivedEvent<'lares.deadletter.recorded'>,
  context: Context,
): Promise<EventDraft[]> {
  const { event: failed, error } = event.data
  const deadLetter = parseDeadLetter(failed, error.code)
  if (!deadLetter) return []
  const { id, subject, correlationid } = event
  // The dead letter's own step comes first: the failed event may have arrived again since and been accepted.
  const ownOutcome = await recordedOutcome(context.store, subject, id)
  if (ownOutcome) return ownOutcome
  const originalOutcome = await recordedOutcome(context.store, subject, deadLetter.id)
  if (originalOutcome) return originalOutcome.map(draft => ({ causationid: deadLetter.id, ...draft }))
  const timer =
    deadLetter.type === 'lares.timer.fired' && dataSchemaOf(deadLetter.type)?.safeParse(failed?.data).data
  if (timer)
    return await runStep(
      event,
      { type: 'lares.timer.fired', id, correlationid, data: timer as TimerData },
      context,
    )
  const enriched = deadLetter.said
    ? deadLetter
    : await addMessageFromHistory(deadLetter, subject, context.store)
  const data =
    enriched.said || !failedBeforeDialog(deadLetter)
      ? enriched
      : await addMessageFromDataRef(enriched, failed, context)
  return await runStep(event, { type: 'dead-letter', id, data }, context)
}

type TimerData = EventData<'lares.timer.fired'>

/**
 * The outcome that dialog recorded for an event, undefined without one. When the event became a dead letter because its
 * outcome was not published, dialog publishes the outcome again. The state has moved on and waits for the events that
 * follow. They keep their old ids, because some of them may have been published.
 */
async function recordedOutcome(
  { step }: Store,
  conversation: string,
  eventId: string,
): Promise<EventDraft[] | undefined> {
  const notRecorded = new Error('not recorded')
  const apply = () => {
    throw notRecorded
  }
  try {
    return await step<unknown, EventDraft[]>({ conversation, person: '', eventId, apply })
  } catch (error) {
    if (error === notRecorded) return undefined
    throw error
  }
}

/** Takes the message from the history when the event itself does not contain it. */
async function addMessageFromHistory(
  deadLetter: DeadLetter,
  subject: string,
  { history }: Store,
): Promise<DeadLetter> {
  const row = await history.message(deadLetter.messageId)
  const conversation = await history.conversation(subject)
  if (row?.conversation !== subject || row.role !== 'user' || !conversation) return deadLetter
  const { id, text, createdAt: saidAt, address = webAddress(subject), sender } = row
  const said = { id, text, saidAt, address, ...(sender && { sender }) }
  return {
    ...deadLetter,
    said: { person: conversation.person, address, language: detectLanguage(text), said },
  }
}

/**
 * The gateway writes the history after the log, so a message may fail before it is in the history. Then dialog resolves
 * its claim check, as the failed function would have done. Errors: `unavailable`.
 */
async function addMessageFromDataRef(
  deadLetter: DeadLetter,
  failed: unknown,
  { objects, log }: Context,
): Promise<DeadLetter> {
  try {
    return (
      parseDeadLetter(await resolveDataRef(failed as LaresEvent, objects), deadLetter.errorCode) ?? deadLetter
    )
  } catch (thrown) {
    const error = toLaresError(thrown)
    if (error.retryable) throw error
    log.warn({ event: deadLetter.id, err: error }, 'the data of an event that failed for good cannot be had')
    return deadLetter
  }
}
