import { isGroup } from '#shared/contract/events/address.ts'
import { summarizeAttachments } from '#shared/store/attachment-notes.ts'
import type { PendingQuestion, RecalledMessage, Turn, UserMessage } from '../state.ts'
import { type StepContext, setMessageStatus, ZERO_USAGE } from '../step-context.ts'
import { endTurn } from './completion.ts'
import { askWhichSkill, tryAnswerQuestion } from './questions.ts'
import { askModel, askSkill } from './requests.ts'

/** A message and its id. */
export type ReceivedMessage = { id: string; recalled: RecalledMessage }

/** Begins to answer one message, or several at once as if they were one. */
export function startTurn(
  context: StepContext,
  messages: [ReceivedMessage, ...ReceivedMessage[]],
  isLate: boolean,
): void {
  const turn = createTurn(messages, isLate)
  context.state.turn = turn
  setMessageStatus(context, turn.said, 'answering')
  const onlyMessage = messages.length === 1 ? messages[0].recalled : undefined
  const question = isAskedOf(context.state.question, turn) ? context.state.question : null
  if (!isLate && question) context.state.question = null
  const skill = directSkillFor(context, messages)
  if (onlyMessage?.answer !== undefined) endTurn(context, turn, onlyMessage.answer)
  else if (
    question &&
    onlyMessage &&
    !isLate &&
    tryAnswerQuestion(context, turn, question, { intent: onlyMessage.intent, skill })
  )
    return
  else if (onlyMessage?.intent.between && askWhichSkill(context, turn, onlyMessage.intent.between)) return
  else if (skill !== undefined) askSkill(context, turn, skill)
  else askModel(context, turn)
}

/** In a group only the member who was asked answers. */
function isAskedOf(question: PendingQuestion | null, { message }: Turn): boolean {
  const asked = question?.kind === 'which' ? question.message.sender : question?.sender
  return !isGroup(message.person) || asked?.person === message.sender.person
}

function createTurn(messages: ReceivedMessage[], isLate: boolean): Turn {
  const { id, recalled: last } = messages.at(-1)!
  const all = messages.map(({ recalled }) => recalled)
  const memories = new Map(all.flatMap(one => one.memories).map(memory => [memory.id, memory]))
  return {
    id,
    said: messages.map(toUserMessage),
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
    usage: ZERO_USAGE,
  }
}

export const toUserMessage = ({ id, recalled }: ReceivedMessage): UserMessage => ({
  id,
  text: recalled.message.text,
  saidAt: recalled.saidAt,
  address: recalled.message.address,
  sender: recalled.message.sender,
  ...summarizeAttachments(recalled.message.attachments),
})

/** The skill that can take these words as they are. Several messages at once go to the model if it can call tools. */
function directSkillFor({ skills, tools }: StepContext, messages: ReceivedMessage[]): string | undefined {
  const wanted = new Set(messages.flatMap(({ recalled }) => recalled.intent.skill ?? []))
  if (wanted.size !== 1 || (messages.length > 1 && tools)) return undefined
  return skills.find(({ name, readsText }) => readsText && wanted.has(name))?.name
}
