/** `#lares/function`: the public API of a stage of the pipeline, and of the three-method interface. */
export { LaresError } from '../base/errors.ts'
export type { FunctionContext, InitContext, ServiceName } from './context.ts'
export { type DecisionKey, decideOnce } from './decision.ts'
export {
  defineFunction,
  type FunctionDefinition,
  type HandlerResult,
  type ReceivedEvent,
} from './definition.ts'
export type { EventDraft, LaresEvent } from './events/event.ts'
export type { EventData, EventType } from './events/event-types.ts'
export type { Plugin, PluginAnswer, PluginMessage } from './plugin.ts'
