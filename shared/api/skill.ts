/**
 * `#lares/skill`: the public API of a skill. A skill imports from here, wherever its folder is. The paths of the other
 * modules may change with any version.
 */
export { LaresError } from '../base/errors.ts'
export type { AssistantSettings, ServiceName } from '../contract/context.ts'
export { type DecisionKey, decideOnce } from '../contract/decision.ts'
export type { FollowUpQuestion, Language } from '../contract/events/event-types.ts'
export {
  defineSkill,
  type SkillAnswer,
  type SkillContext,
  type SkillDefinition,
  skillAnswerSchema,
} from '../contract/skill/skill.ts'
export { isNeverMind, type Option, parseChoice } from '../language/choices.ts'
export { formatDate, formatDateTime } from '../language/date-format.ts'
export {
  formatTime,
  instantFromWallMs,
  toWallMs,
  type WallTime,
  wallTime,
} from '../language/dates.ts'
export { detectLanguage } from '../language/detection.ts'
export {
  addDuration,
  type FoundMoment,
  findDuration,
  findMoment,
} from '../language/moments/moment.ts'
export { localised } from '../language/packs.ts'
export type { ChatMessage, Models, Tool } from '../models/models.ts'
export type { Objects } from '../objects/objects.ts'
export type { JsonRecord, Records, Timers } from '../store/store.ts'
export type { Vectors } from '../vectors/vectors.ts'
