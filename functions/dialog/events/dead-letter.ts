import * as z from 'zod'
import { type Language, language, skillType } from '#shared/contract/events/event-types.ts'
import { apology, toolFailed } from '../messages.ts'
import { isKnown, type Said, type Turn } from '../state.ts'
import type { Work } from '../step-context.ts'
import { failTurn } from '../turn/completion.ts'
import { isFull, tellFailure } from '../turn/queue.ts'
import { setResult } from './result.ts'

/** What dialog needs to know of an event that failed for good. */
export type DeadLetter = {
  id: string
  type: string
  /** The message whose turn it was. */
  message: string
  errorCode: string
  callId?: string
  step?: number
  /** What the person said, where it is known; a claim check that was not redeemed does not tell. */
  said?: { person: string; language: Language; said: Said }
}

const failedEvent = z.object({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  correlationid: z.string(),
  time: z.string(),
  /** Not there when it was too large for the log. */
  data: z.unknown().optional(),
})

const words = z.object({ person: z.string(), text: z.string(), language: language() })
const within = z.object({ message: words, saidAt: z.string() })
const place = z.object({ callId: z.string().optional(), step: z.number().optional() })

/** Undefined when it is no event of a turn. */
export function readDeadLetter(event: unknown, errorCode: string): DeadLetter | undefined {
  const failed = failedEvent.safeParse(event).data
  if (!failed) return undefined
  const said = saidIn(failed)
  return {
    id: failed.id,
    type: failed.type,
    message: failed.correlationid,
    errorCode,
    ...place.safeParse(failed.data).data,
    ...(said && { said }),
  }
}

function saidIn(failed: z.infer<typeof failedEvent>): DeadLetter['said'] {
  const bare = words.safeParse(failed.data).data
  const enriched = within.safeParse(failed.data).data
  const message = bare ?? enriched?.message
  if (!message) return undefined
  const { person, text, language } = message
  return {
    person,
    language,
    said: { id: failed.correlationid, text, saidAt: enriched?.saidAt ?? failed.time },
  }
}

/** Events of a message on its way to dialog. */
const ON_THE_WAY = new Set([
  'lares.message.received',
  'lares.message.transcribed',
  'lares.intent.recognised',
  'lares.context.recalled',
])

export const isOnTheWay = ({ type }: DeadLetter): boolean => ON_THE_WAY.has(type)

/** Ends what cannot go on, so that no turn hangs and no message is silently lost. */
export function takeDeadLetter(work: Work, dead: DeadLetter): void {
  const { state } = work
  if (isOnTheWay(dead)) loseMessage(work, dead)
  else if (state.turn?.id === dead.message) loseStage(work, state.turn, dead)
  else work.notes.push('a dead letter is of no turn that runs')
}

/** The message did not reach dialog. Its failure is told when it is its turn, as its answer would have been. */
function loseMessage(work: Work, dead: DeadLetter): void {
  const { state } = work
  if (isKnown(state, dead.message) || !dead.said) {
    work.notes.push('a dead letter is of a message that is known already, or nobody knows whose')
    return
  }
  const { person, language, said } = dead.said
  const text = apology(dead.type, dead.errorCode, language)
  const failure = { kind: 'failure' as const, said, person, language, text }
  if (isFull(work)) tellFailure(work, failure)
  else state.waiting.push(failure)
}

function loseStage(work: Work, turn: Turn, dead: DeadLetter): void {
  const { stage } = turn
  const isOfModel = dead.type === 'lares.prompt.composed' || dead.type === 'lares.generation.completed'
  const isOfCall = dead.type === 'lares.result.returned' || dead.type.startsWith('lares.skill.')
  const text = apology(dead.type, dead.errorCode, turn.message.language)
  if (stage.kind === 'model' && isOfModel && isNow(dead.step, turn.step)) failTurn(work, turn, text)
  else if (stage.kind === 'skill' && isOfCall && isNow(dead.callId, stage.callId)) failTurn(work, turn, text)
  else if (stage.kind === 'tools' && isOfCall) loseCalls(work, turn, stage.calls, dead)
  else work.notes.push('a dead letter is of a part of the turn that is over')
}

/** A claim check that was not redeemed does not tell; then it is taken for what the turn waits for. */
const isNow = <T>(told: T | undefined, awaited: T): boolean => told === undefined || told === awaited

type Calls = Extract<Turn['stage'], { kind: 'tools' }>['calls']

/** The model is told that its call failed, and goes on without it. */
function loseCalls(work: Work, turn: Turn, calls: Calls, { type, callId }: DeadLetter): void {
  const isLost = (call: Calls[number]) =>
    callId === undefined
      ? type === 'lares.result.returned' || type === skillType(call.skill)
      : call.callId === callId
  for (const call of calls.filter(isLost)) setResult(work, turn, call.callId, toolFailed)
}
