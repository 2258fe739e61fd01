import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import { isNeverMind } from '#shared/language/choices.ts'
import { allRight, which } from '../messages.ts'
import type { Question, Turn } from '../state.ts'
import type { Work } from '../step-context.ts'
import { endTurn } from './completion.ts'
import { askModel, askSkill, joined, requestSkill } from './requests.ts'

type Of<Kind extends Question['kind']> = Extract<Question, { kind: Kind }>

/** Asks which of two skills is meant; not when one of them is not deployed any more. */
export function askWhich(work: Work, turn: Turn, between: readonly [string, string]): boolean {
  const { message, saidAt } = turn
  const [first, second] = between.map(name => work.skills.find(skill => skill.name === name))
  if (!first || !second) return false
  const titles = [first, second].map(skill => titleOf(skill, message.language)) as [string, string]
  endTurn(work, turn, joined(turn.text, which(...titles, message.language)))
  work.state.question = { kind: 'which', skills: [first.name, second.name], message, saidAt }
  return true
}

const titleOf = ({ title, name }: SkillManifest, language: 'en' | 'zh'): string => title?.[language] ?? name

/** What the message is when it is no answer: what it seems to ask for, and the skill that can read it. */
export type Otherwise = { intent: Intent; skill: string | undefined }

/** Goes on with what was asked when the message may be the answer; false when it is something else. */
export function takeAnswer(work: Work, turn: Turn, question: Question, otherwise: Otherwise): boolean {
  const { text, language } = turn.message
  if (isNeverMind(text)) {
    endTurn(work, turn, joined(turn.text, allRight[language]))
    return true
  }
  return question.kind === 'which' ? choose(work, turn, question) : tellMore(work, turn, question, otherwise)
}

/** The message that was asked about goes to the skill that was chosen. */
function choose(work: Work, turn: Turn, { skills, message, saidAt }: Of<'which'>): boolean {
  const known = skills.map(name => work.skills.find(skill => skill.name === name))
  const chosen = known[choiceIn(turn.message.text, known)]
  if (!chosen) return false
  turn.message = { ...message, attachments: [...message.attachments, ...turn.message.attachments] }
  turn.saidAt = saidAt
  turn.candidates = [{ skill: chosen.name, score: 1 }]
  if (chosen.readsText) askSkill(work, turn, chosen.name)
  else askModel(work, turn)
  return true
}

/** The skill that asked tells whether it is answered; if not, the message is what it is. */
function tellMore(
  work: Work,
  turn: Turn,
  question: Of<'more'>,
  { intent, skill: other }: Otherwise,
): boolean {
  const { skill, asked, takesAnyWords } = question
  if (!work.skills.some(({ name }) => name === skill)) return false
  if (takesAnyWords && intent.skill !== null && intent.skill !== skill) return false
  const callId = `${turn.id}/answer`
  turn.stage = { kind: 'skill', callId, skill, ...(other !== undefined && { otherwise: other }) }
  requestSkill(work, turn, { callId, skill, input: null, asked })
  return true
}

const PLACES = [
  /^(?:first|1st|former|1|one|a|第[一1]个?|前者|前面(?:那|的)?(?:一?个)?|[一1])$/,
  /^(?:second|2nd|latter|last|2|two|b|第[二2两]个?|后者|后面(?:那|的)?(?:一?个)?|[二2两])$/,
]
const LEAD =
  /^(?:(?:i (?:meant|mean|want|wanted)|it'?s|its|that'?s|yes|yeah|the|an?|your|my|please|option|number|use|with)(?: |$)|我(?:是|要|想|指|说)*(?:的是)?|就?是|选|用|要|指)+/
const END = /(?: (?:one|please|thanks)|的?(?:那|这)个|吧|的|啊|呀|[\s.!?,。！？，~])+$/

/** The place of the one that the words name, by its place, title or name; -1 for none. */
function choiceIn(text: string, skills: readonly (SkillManifest | undefined)[]): number {
  const said = plain(text)
  const byTitle = skills.findIndex(
    skill => skill && [skill.name, ...Object.values(skill.title ?? {})].some(title => plain(title) === said),
  )
  return byTitle >= 0 ? byTitle : PLACES.findIndex(form => form.test(said))
}

/** In lower case, without what frames the words; whether there is one or several says nothing. */
function plain(text: string): string {
  const said = text.normalize('NFKC').toLowerCase().replaceAll('’', "'").trim().replace(END, '')
  const rest = said.replace(LEAD, '')
  return (rest === '' ? said : rest).replace(/[“”"'「」]/g, '').replace(/s$/, '')
}
