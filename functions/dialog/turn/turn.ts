import { notesOf } from '#shared/store/attachment-notes.ts'
import type { Recalled, Said, Turn } from '../state.ts'
import { markSaid, NO_USAGE, type Work } from '../step-context.ts'
import { endTurn } from './completion.ts'
import { askWhich, takeAnswer } from './questions.ts'
import { askModel, askSkill } from './requests.ts'

/** A message by its id. */
export type Taken = { id: string; recalled: Recalled }

/** Begins to answer one message, or several at once as if they were one. */
export function startTurn(work: Work, messages: [Taken, ...Taken[]], isLate: boolean): void {
  const turn = turnOf(messages, isLate)
  work.state.turn = turn
  markSaid(work, turn.said, 'answering')
  const only = messages.length === 1 ? messages[0].recalled : undefined
  const { question } = work.state
  if (!isLate) work.state.question = null
  const skill = skillFor(work, messages)
  if (only?.answer !== undefined) endTurn(work, turn, only.answer)
  else if (question && only && !isLate && takeAnswer(work, turn, question, { intent: only.intent, skill }))
    return
  else if (only?.intent.between && askWhich(work, turn, only.intent.between)) return
  else if (skill !== undefined) askSkill(work, turn, skill)
  else askModel(work, turn)
}

function turnOf(messages: Taken[], isLate: boolean): Turn {
  const { id, recalled: last } = messages.at(-1)!
  const all = messages.map(({ recalled }) => recalled)
  const memories = new Map(all.flatMap(one => one.memories).map(memory => [memory.id, memory]))
  return {
    id,
    said: messages.map(saidOf),
    message: {
      ...last.message,
      text: all.map(({ message }) => message.text).join('\n'),
      attachments: all.flatMap(({ message }) => message.attachments),
    },
    saidAt: last.saidAt,
    candidates: all.flatMap(({ intent }) => intent.candidates),
    memories: [...memories.values()].sort((a, b) => b.score - a.score),
    passages: all.flatMap(({ passages = [] }) => passages),
    isLate,
    isForgotten: false,
    step: 0,
    stage: { kind: 'model', hasTools: false },
    text: all.flatMap(({ notice }) => notice ?? []).join('\n'),
    chat: [],
    usage: NO_USAGE,
  }
}

export const saidOf = ({ id, recalled }: Taken): Said => ({
  id,
  text: recalled.message.text,
  saidAt: recalled.saidAt,
  ...notesOf(recalled.message.attachments),
})

/** The skill that can take these words as they are. Several messages at once are the model's, if it can use the skills. */
function skillFor({ skills, tools }: Work, messages: Taken[]): string | undefined {
  const wanted = new Set(messages.flatMap(({ recalled }) => recalled.intent.skill ?? []))
  if (wanted.size !== 1 || (messages.length > 1 && tools)) return undefined
  return skills.find(({ name, readsText }) => readsText && wanted.has(name))?.name
}
