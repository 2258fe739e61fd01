import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import { isNeverMind } from '#shared/language/choices.ts'
import { neverMindText, whichSkillQuestion } from '../messages.ts'
import type { PendingQuestion, Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { endTurn } from './completion.ts'
import { appendText, askModel, askSkill, requestSkill } from './requests.ts'

type QuestionOf<Kind extends PendingQuestion['kind']> = Extract<PendingQuestion, { kind: Kind }>

/** Asks which of two skills is meant; not when one of them is not deployed any more. */
export function askWhichSkill(
  context: StepContext,
  turn: Turn,
  skillNames: readonly [string, string],
): boolean {
  const { message, saidAt } = turn
  const [first, second] = skillNames.map(name => context.skills.find(skill => skill.name === name))
  if (!first || !second) return false
  const titles = [first, second].map(skill => skillTitle(skill, message.language)) as [string, string]
  endTurn(context, turn, appendText(turn.text, whichSkillQuestion(...titles, message.language)))
  context.state.question = { kind: 'which', skills: [first.name, second.name], message, saidAt }
  return true
}

const skillTitle = ({ title, name }: SkillManifest, language: 'en' | 'zh'): string =>
  title?.[language] ?? name

/** What the message is when it is no answer: what it seems to ask for, and the skill that can read it. */
export type FallbackInterpretation = { intent: Intent; skill: string | undefined }

/** Goes on with what was asked when the message may be the answer; false when it is something else. */
export function tryAnswerQuestion(
  context: StepContext,
  turn: Turn,
  question: PendingQuestion,
  fallback: FallbackInterpretation,
): boolean {
  const { text, language } = turn.message
  if (isNeverMind(text)) {
    endTurn(context, turn, appendText(turn.text, neverMindText[language]))
    return true
  }
  return question.kind === 'which'
    ? routeToChosenSkill(context, turn, question)
    : passAnswerToSkill(context, turn, question, fallback)
}

/** The message that was asked about goes to the skill that was chosen. */
function routeToChosenSkill(
  context: StepContext,
  turn: Turn,
  { skills, message, saidAt }: QuestionOf<'which'>,
): boolean {
  const known = skills.map(name => context.skills.find(skill => skill.name === name))
  const chosen = known[chosenIndex(turn.message.text, known)]
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

/** The skill that asked tells whether it is answered; if not, the message is what it is. */
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

const POSITION_PATTERNS = [
  /^(?:first|1st|former|1|one|a|第[一1]个?|前者|前面(?:那|的)?(?:一?个)?|[一1])$/,
  /^(?:second|2nd|latter|last|2|two|b|第[二2两]个?|后者|后面(?:那|的)?(?:一?个)?|[二2两])$/,
]
const LEADING_FILLERS =
  /^(?:(?:i (?:meant|mean|want|wanted)|it'?s|its|that'?s|yes|yeah|the|an?|your|my|please|option|number|use|with)(?: |$)|我(?:是|要|想|指|说)*(?:的是)?|就?是|选|用|要|指)+/
const TRAILING_FILLERS = /(?: (?:one|please|thanks)|的?(?:那|这)个|吧|的|啊|呀|[\s.!?,。！？，~])+$/

/** The place of the one that the words name, by its place, title or name; -1 for none. */
function chosenIndex(text: string, skills: readonly (SkillManifest | undefined)[]): number {
  const answer = normaliseAnswer(text)
  const byTitle = skills.findIndex(
    skill =>
      skill &&
      [skill.name, ...Object.values(skill.title ?? {})].some(title => normaliseAnswer(title) === answer),
  )
  return byTitle >= 0 ? byTitle : POSITION_PATTERNS.findIndex(form => form.test(answer))
}

/** In lower case, without what frames the words; whether there is one or several says nothing. */
function normaliseAnswer(text: string): string {
  const said = text.normalize('NFKC').toLowerCase().replaceAll('’', "'").trim().replace(TRAILING_FILLERS, '')
  const rest = said.replace(LEADING_FILLERS, '')
  return (rest === '' ? said : rest).replace(/[“”"'「」]/g, '').replace(/s$/, '')
}
