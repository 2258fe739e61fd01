import { LaresError } from '../base/errors.ts'
import type { FunctionContext, InitContext } from './context.ts'
import { type AnyFunction, defineFunction, type HandlerResult, isDefinition } from './definition.ts'
import type { EventDraft, LaresEvent } from './events/event.ts'
import { topicOf } from './events/event-types.ts'

/**
 * The three-method interface: a skill that takes a request as a message and answers with text. `init` may return a
 * state, which `handleMessage` gets as `context.state`.
 */
export type Plugin<State = unknown> = {
  name: string
  description?: string
  examples?: string[]
  init?(context: InitContext): State | Promise<State>
  handleMessage(
    message: PluginMessage,
    context: FunctionContext<never, State>,
  ): PluginAnswer | Promise<PluginAnswer>
  destroy?(state: State): void | Promise<void>
}

export type PluginMessage = {
  id: string
  conversation: string
  person: string
  text: string
  event: LaresEvent
}
export type PluginAnswer = string | { text: string; data?: unknown } | undefined | void

/**
 * Reads the default export of a handler file. Errors: `invalid_config`, which names the file and the allowed exports.
 */
export function functionFromExport(exported: unknown, file: string): AnyFunction {
  if (isDefinition(exported)) return exported
  if (isPlugin(exported)) return functionFromPlugin(exported)
  throw new LaresError(
    'invalid_config',
    `${file} must default-export defineFunction({...}), defineSkill({...}) or an object with name and handleMessage()`,
  )
}

function isPlugin(value: unknown): value is Plugin {
  const plugin = value as Partial<Plugin> | null | undefined
  return (
    typeof plugin === 'object' &&
    plugin !== null &&
    typeof plugin.name === 'string' &&
    typeof plugin.handleMessage === 'function'
  )
}

function functionFromPlugin(plugin: Plugin): AnyFunction {
  return defineFunction<`lares.skill.${string}.requested`>({
    name: plugin.name,
    receives: [`lares.skill.${plugin.name}.requested`],
    emits: ['lares.result.returned'],
    skill: {
      name: plugin.name,
      description: plugin.description ?? plugin.name,
      examples: plugin.examples ?? [],
      input: { type: 'object', properties: { text: { type: 'string' } } },
      readsText: true,
    },
    ...(plugin.init && { init: context => plugin.init?.(context) }),
    ...(plugin.destroy ? { destroy: state => plugin.destroy?.(state) } : {}),
    async handle(event, context): Promise<HandlerResult> {
      const { callId, step, input, text, person } = event.data
      const said = typeof input?.text === 'string' ? input.text : text
      const message = {
        id: event.id,
        conversation: event.subject,
        person,
        text: said,
        event: event as LaresEvent,
      }
      const answer = await plugin.handleMessage(message, context)
      const body = typeof answer === 'string' ? { text: answer } : answer
      if (body !== undefined && typeof body?.text !== 'string')
        throw new LaresError(
          'invalid_result',
          `${plugin.name}.handleMessage must give back text, {text, data} or nothing`,
        )
      const draft: EventDraft = {
        type: 'lares.result.returned',
        data: {
          callId,
          step,
          status: body ? 'ok' : 'declined',
          text: body?.text ?? '',
          ...(body?.data === undefined ? {} : { data: body.data }),
        },
      }
      return draft
    },
  })
}

/** The topics of a function: those of its `receives` types. */
export const topicsOf = (definition: Pick<AnyFunction, 'receives'>): string[] => [
  ...new Set(definition.receives.map(topicOf)),
]
