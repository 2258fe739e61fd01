import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import { lazy } from '../base/lazy.ts'
import type { ServiceName } from './context.ts'
import { type AnyFunction, defineFunction, type FunctionDefinition } from './definition.ts'
import type { FollowUpQuestion, SkillRequest } from './events/event-types.ts'
import { followUpQuestionSchema, skillRequestType } from './events/event-types.ts'
import { checkInputMeta, LARES_META_KEYS } from './input-meta.ts'
import type { SkillContext } from './skill-context.ts'
import { fillSlots, slotsOf } from './slot-filling.ts'

// Part of `#lares/skill`, which is this file.
export type { SkillContext } from './skill-context.ts'

/** `asks`: the text asks for what is missing; the person's next words come to `read` with `asked` in the context. */
export type SkillAnswer = string | { text: string; data?: unknown; asks?: FollowUpQuestion }

/** For a decision that keeps an answer (`decideOnce`). */
export const skillAnswerSchema = lazy(
  (): z.ZodType<SkillAnswer> =>
    z.union([
      z.string(),
      z.object({
        text: z.string(),
        data: z.unknown().optional(),
        asks: followUpQuestionSchema().optional(),
      }),
    ]),
)

export type SkillDefinition<Input extends z.ZodType, Uses extends ServiceName, State = unknown> = Pick<
  FunctionDefinition<never, Uses, State>,
  'name' | 'uses' | 'concurrency' | 'timeoutMs' | 'retry' | 'init' | 'destroy'
> & {
  /** By BCP 47 tag, what people call it, to be asked "Did you mean … or …?"; the name, when it has none. */
  title?: Readonly<Record<string, string>>
  /** One sentence, read by models and people. */
  description: string
  /** Things people say when they want it, in any language. */
  examples: readonly string[]
  input: Input
  /**
   * Reads the input from what a person said; null when it is not in there, as when `context.asked` is not answered by it.
   * Without it the input is filled by the types and formats of its fields, and what is missing is asked for (`filling.ts`);
   * a skill whose input has no required field is called with `{}`.
   */
  read?(
    text: string,
    context: SkillContext<Uses, State>,
  ): z.input<Input> | null | Promise<z.input<Input> | null>
  /** Does it. What this or `read` throws as a `LaresError` that cannot be retried is told to the person. */
  run(input: z.output<Input>, context: SkillContext<Uses, State>): SkillAnswer | Promise<SkillAnswer>
}

/** Defines a skill: its input is checked, its answer wrapped, its examples and schema published in the manifest. */
export function defineSkill<Input extends z.ZodType, const Uses extends ServiceName = never, State = unknown>(
  skill: SkillDefinition<Input, Uses, State>,
): AnyFunction {
  const slots = skill.read ? undefined : slotsOf(skill.input)
  const { name, uses, concurrency, timeoutMs, retry, init, destroy } = skill
  return defineFunction<`lares.skill.${string}.requested`, Uses, State>({
    name,
    receives: [skillRequestType(name)],
    emits: ['lares.result.returned'],
    uses: uses ?? [],
    ...(concurrency !== undefined && { concurrency }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry && { retry }),
    ...(init && { init }),
    ...(destroy && { destroy }),
    skill: {
      name: skill.name,
      ...(skill.title && { title: skill.title }),
      description: skill.description,
      examples: [...skill.examples],
      input: toModelSchema(name, skill.input),
      readsText: skill.read !== undefined || slots !== undefined || skill.input.safeParse({}).success,
    },
    async handle(event, context) {
      const request = event.data
      const skillContext = { ...context, ...callContextOf(event.subject, request) } as SkillContext<
        Uses,
        State
      >
      const filled = slots && request.input === null ? await fillSlots(slots, skillContext) : undefined
      const answer =
        filled && 'asks' in filled
          ? ({ status: 'ok', ...filled } as const)
          : await runSkill(skill, request, skillContext, filled === null ? null : filled?.input)
      return {
        type: 'lares.result.returned',
        data: { callId: request.callId, step: request.step, ...answer },
      }
    },
  })
}

const callContextOf = (conversation: string, request: SkillRequest) => ({
  conversation,
  person: request.person,
  language: request.language,
  timeZone: request.timeZone,
  text: request.text,
  saidAt: new Date(request.saidAt),
  ...(request.address && { address: request.address }),
  ...(request.sender && { sender: request.sender }),
  ...(request.asked && { asked: request.asked }),
})

type SkillOutcome = Omit<Extract<SkillAnswer, object>, 'text'> & {
  status: 'ok' | 'declined' | 'failed'
  text: string
}

async function runSkill<Input extends z.ZodType, Uses extends ServiceName, State>(
  skill: SkillDefinition<Input, Uses, State>,
  request: SkillRequest,
  context: SkillContext<Uses, State>,
  filled: Record<string, unknown> | null | undefined,
): Promise<SkillOutcome> {
  try {
    const raw =
      request.input ??
      (skill.read ? await skill.read(request.text, context) : filled === undefined ? {} : filled)
    if (raw === null) return { status: 'declined', text: '' }
    const input = await skill.input.safeParseAsync(raw)
    if (!input.success) {
      const text = `the input of ${skill.name} is wrong: ${z.prettifyError(input.error)}`
      return { status: request.input ? 'failed' : 'declined', text }
    }
    const answer = await skill.run(input.data, context)
    return { status: 'ok', ...(typeof answer === 'string' ? { text: answer } : answer) }
  } catch (error) {
    if (error instanceof LaresError && !error.retryable) return { status: 'failed', text: error.message }
    throw error
  }
}

/** The input's JSON Schema without what only costs a model tokens. */
function toModelSchema(name: string, input: z.ZodType): Record<string, unknown> {
  const { $schema, additionalProperties, ...schema } = z.toJSONSchema(input, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      checkInputMeta(name, zodSchema)
      // Of a format the pattern says nothing new, and the rest is for people.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      for (const ours of LARES_META_KEYS) delete jsonSchema[ours]
    },
  }) as Record<string, unknown>
  return schema
}
