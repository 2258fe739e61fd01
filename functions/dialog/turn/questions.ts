import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import { isNeverMind } from '#shared/language/choices.ts'
import { packsReading } from '#shared/language/detection.ts'
import { strip } from '#shared/language/fillers.ts'
import { localised } from '#shared/language/packs.ts'
import { phrasesIn } from '../messages.ts'
import type { PendingQuestion, Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { endTurn } from './completion.ts'
import { appendText, askModel, askSkill, requestSkill } from './requests.ts'

type QuestionOf<Kind extends PendingQuestion['kind']> = Extract<PendingQuestion, { kind: Kind }>

/** Asks the person which of two skills they mean. Returns false when one of the skills is no longer deployed. */
export function askWhichSkill(
  context: StepContext,
  turn: Turn,
  skillNames: readonly [string, string],
): boolean {
  const { message, saidAt } = turn
  const [first, second] = skillNames.map(name => context.skills.find(skill => skill.name === name))
  if (!first || !second) return false
  const titles = [first, second].map(skill => skillTitle(skill, message.language)) as [string, string]
  endTurn(context, turn, appendText(turn.text, phrasesIn(message.language).whichSkill(...titles)))
  context.state.question = { kind: 'which', skills: [first.name, second.name], message, saidAt }
  return true
}

const skillTitle = ({ title, name }: SkillManifest, language: string): string =>
  (title && localised(title, language)) ?? name

/** The reading of a message that does not answer the question: its intent, and the skill that can read it. */
export type FallbackInterpretation = { intent: Intent; skill: string | undefined }

/** Continues with the pending question when the message may answer it. Returns false when it does not. */
export function tryAnswerQuestion(
  context: StepContext,
  turn: Turn,
  question: PendingQuestion,
  fallback: FallbackInterpretation,
): boolean {
  const { text, language } = turn.message
  if (isNeverMind(text)) {
    endTurn(context, turn, appendText(turn.text, phrasesIn(language).neverMind))
    return true
  }
  return question.kind === 'which'
    ? routeToChosenSkill(context, turn, question)
    : passAnswerToSkill(context, turn, question, fallback)
}

/** Gives the message in question to the skill that the person chose. */
function routeToChosenSkill(
  context: StepContext,
  turn: Turn,
  { skills, message, saidAt }: QuestionOf<'which'>,
): boolean {
  const known = skills.map(name => context.skills.find(skill => skill.name === name))
  const chosen = known[chosenIndex(turn.message.text, known, turn.message.language)]
  if (!chosen) return false
  const { address, sender } = turn.message
  const attachments = [...message.attachments, ...turn.message.attachments]
  turn.message = { ...message, attachments, address, sender }
  turn.saidAt = saidAt
  turn.candidates = [{ skill: chosen.name, score: 1 }]
  if (chosen.readsText) askSkill(context, turn, chosen.name)
  else askModel(context, turn)
  return true
}

/**
 * Passes the message to the skill that asked, which decides whether it answers the question. If it does not, dialog
 * handles it as any other message.
 */
function passAnswerToSkill(
  context: StepContext,
  turn: Turn,
  question: QuestionOf<'more'>,
  { intent, skill: fallbackSkill }: FallbackInterpretation,
): boolean {
  const { skill, asked, takesAnyWords } = question
  if (!context.skills.some(({ name }) => name === skill)) return false
  if (takesAnyWords && intent.skill !== null && intent.skill !== skill) return false
  const callId = `${turn.id}/answer`
  turn.stage = {
    kind: 'skill',
    callId,
    skill,
    ...(fallbackSkill !== undefined && { otherwise: fallbackSkill }),
  }
  requestSkill(context, turn, { callId, skill, input: null, asked })
  return true
}

/** The index of the skill that the words choose by position, title or name; -1 for none. */
function chosenIndex(text: string, skills: readonly (SkillManifest | undefined)[], language: string): number {
  const answer = normaliseAnswer(text, language)
  const byTitle = skills.findIndex(
    skill =>
      skill &&
      [skill.name, ...Object.values(skill.title ?? {})].some(
        title => normaliseAnswer(title, language) === answer,
      ),
  )
  if (byTitle >= 0) return byTitle
  const either = packsReading(text, language).map(({ answers }) => answers.either)
  if (either.some(({ first }) => first.test(answer))) return 0
  return either.some(({ second }) => second.test(answer)) ? 1 : -1
}

/** The words in lower case, without fillers around them and without a plural "s". */
function normaliseAnswer(text: string, language: string): string {
  const either = packsReading(text, language).map(({ answers }) => answers.either)
  const said = strip(
    text.normalize('NFKC').toLowerCase().replaceAll('’', "'").trim(),
    [],
    either.map(({ trailingFillers }) => trailingFillers),
  )
  const rest = strip(
    said,
    either.map(({ leadingFillers }) => leadingFillers),
    [],
  )
  return (rest === '' ? said : rest).replace(/[“”„"'「」]/g, '').replace(/s$/, '')
}
