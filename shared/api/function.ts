/** `#lares/function`: the public API of a stage of the pipeline and of the three-method interface. */
export { LaresError } from '../base/errors.ts'
export type { FunctionContext, InitContext, ServiceName } from '../contract/context.ts'
export { type DecisionKey, decideOnce } from '../contract/decision.ts'
export {
  defineFunction,
  type FunctionDefinition,
  type HandlerResult,
  type ReceivedEvent,
} from '../contract/definition.ts'
export type { EventDraft, LaresEvent } from '../contract/events/event.ts'
export type { EventData, EventType } from '../contract/events/event-types.ts'
export type { Plugin, PluginAnswer, PluginMessage } from '../contract/plugin.ts'
