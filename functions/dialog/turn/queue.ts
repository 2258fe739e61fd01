import type { EventData, SkillResult } from '#shared/contract/events/event-types.ts'
import { takeGeneration, takeResult } from '../events/result.ts'
import { interrupted } from '../messages.ts'
import type { Turn, Waiting } from '../state.ts'
import { markSaid, sayReply, type Work } from '../step-context.ts'
import { keepFailed } from './completion.ts'
import { saidOf, startTurn } from './turn.ts'

type Of<Kind extends Waiting['kind']> = Extract<Waiting, { kind: Kind }>

/** What waits may be as long as this, besides the limit on their number. */
const MAX_CHARACTERS = 1_000_000

export function isFull({ state, assistant }: Work): boolean {
  if (state.waiting.length >= assistant.maxWaiting) return true
  const characters = state.waiting.reduce((sum, item) => sum + lengthOf(item), 0)
  return characters > MAX_CHARACTERS
}

function lengthOf(item: Waiting): number {
  if (item.kind === 'failure') return item.said.text.length
  const { text, instructions } = item.kind === 'message' ? item.recalled.message : item.turn.message
  return text.length + (instructions?.length ?? 0)
}

/** Takes up what waits, in order, until a turn runs or nothing waits. */
export function takeUpWaiting(work: Work): void {
  const { state } = work
  while (!state.turn) {
    const next = state.waiting.shift()
    if (!next) return
    if (next.kind === 'failure') tellFailure(work, next)
    else if (next.kind === 'revival') resume(work, next)
    else startTurn(work, [next, ...mergedWith(work, next)], next.isLate)
  }
}

/** In mode `merge` the messages that wait behind one are answered with it. */
function mergedWith({ state, assistant }: Work, next: Of<'message'>): Of<'message'>[] {
  if (assistant.mode !== 'merge' || next.isLate) return []
  const end = state.waiting.findIndex(item => item.kind !== 'message' || item.isLate)
  return state.waiting.splice(0, end < 0 ? state.waiting.length : end) as Of<'message'>[]
}

export function tellFailure(work: Work, { said, person, language, text }: Of<'failure'>): void {
  sayReply(work, { person, language, text, status: 'failed', said: [said] })
  keepFailed(work, { messages: [said.id], turn: null })
}

function resume(work: Work, { turn, event }: Of<'revival'>): void {
  work.state.turn = turn
  markSaid(work, turn.said, 'answering')
  continueTurn(work, turn, event)
}

/** What came for a turn from the model or a skill. */
export type Continuation = Of<'revival'>['event']

export function continueTurn(work: Work, turn: Turn, { type, data }: Continuation): void {
  if (type === 'lares.generation.completed')
    takeGeneration(work, turn, data as EventData<'lares.generation.completed'>)
  else takeResult(work, turn, data as SkillResult)
}

/** What waits is not taken up any more, but for what is late if that is wished; whoever waits for a reply is told. */
export function dropWaiting(work: Work, { keepLate }: { keepLate: boolean }): void {
  const { state } = work
  const dropped = state.waiting
  state.waiting = keepLate ? dropped.filter(isLate) : []
  for (const item of dropped) {
    if (item.kind === 'failure') tellFailure(work, item)
    else if (!isLate(item)) tellInterruption(work, item as Of<'message'>)
  }
}

const isLate = (item: Waiting): boolean => item.kind === 'revival' || (item.kind === 'message' && item.isLate)

function tellInterruption(work: Work, item: Of<'message'>): void {
  const { person, language } = item.recalled.message
  const text = interrupted[language]
  sayReply(work, { person, language, text, status: 'interrupted', said: [saidOf(item)] })
}
