import * as z from 'zod'
import { lazy } from '../../base/concurrency/lazy.ts'
import { LaresError } from '../../base/errors.ts'
import type { ServiceName } from '../context.ts'
import { type AnyFunction, defineFunction, type FunctionDefinition } from '../definition.ts'
import type { FollowUpQuestion, SkillRequest } from '../events/event-types.ts'
import { followUpQuestionSchema, skillRequestType } from '../events/event-types.ts'
import { checkInputMeta, LARES_META_KEYS } from './input-meta.ts'
import type { SkillContext } from './skill-context.ts'
import { fillSlots, slotsOf } from './slot-filling.ts'

// `shared/api/skill.ts` exports this type as a part of `#lares/skill`.
export type { SkillContext } from './skill-context.ts'

/** With `asks`, the text asks for missing input. The person's next words go to `read`, with `asked` in the context. */
export type SkillAnswer = string | { text: string; data?: unknown; asks?: FollowUpQuestion }

/** The schema for a decision that keeps an answer (`decideOnce`). */
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
  /** The skill's name for people, by BCP 47 tag, as in "Did you mean … or …?". Default: `name`. */
  title?: Readonly<Record<string, string>>
  /** One sentence for models and people. */
  description: string
  /** Messages that ask for the skill, in any language. */
  examples: readonly string[]
  input: Input
  /**
   * Reads the input from the person's words. Returns null when they do not contain it, for example when they do not
   * answer `context.asked`. Without `read`, Lares fills the input by the types and formats of its fields and asks for
   * missing values (`slot-filling.ts`). A skill without required fields is then called with `{}`.
   */
  read?(
    text: string,
    context: SkillContext<Uses, State>,
  ): z.input<Input> | null | Promise<z.input<Input> | null>
  /**
   * Performs the skill. When this or `read` throws a `LaresError` that cannot be retried, the person gets its message.
   */
  run(input: z.output<Input>, context: SkillContext<Uses, State>): SkillAnswer | Promise<SkillAnswer>
}

/** A handler in JavaScript, or one that is not type-checked, may lack it. */
function requireInput({ name, input }: { name: string; input?: z.ZodType | undefined }): void {
  if (typeof input?.safeParse !== 'function')
    throw new LaresError(
      'invalid_config',
      `the skill "${name}" has no "input": give it a zod schema, z.object({}) for none`,
    )
}

/** Defines a skill. Lares checks its input, wraps its answer, and publishes its examples and schema in the manifest. */
export function defineSkill<Input extends z.ZodType, const Uses extends ServiceName = never, State = unknown>(
  skill: SkillDefinition<Input, Uses, State>,
): AnyFunction {
  requireInput(skill)
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

/** The input's JSON Schema without the parts that only cost a model tokens. */
function toModelSchema(name: string, input: z.ZodType): Record<string, unknown> {
  const { $schema, additionalProperties, ...schema } = z.toJSONSchema(input, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      checkInputMeta(name, zodSchema)
      // With a format, the pattern adds no information for the model; the remaining parts are for people.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      for (const ours of LARES_META_KEYS) delete jsonSchema[ours]
    },
  }) as Record<string, unknown>
  return schema
}
