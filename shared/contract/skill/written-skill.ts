import { parse } from 'yaml'
import * as z from 'zod'
import { LaresError } from '../../base/errors.ts'
import type { ChatMessage, Models } from '../../models/models.ts'
import type { AnyFunction } from '../definition.ts'
import { nameSchema } from '../events/event-types.ts'
import { defineSkill } from './skill.ts'

/** A language model writes the answer, which can take long on a small machine. */
const TIMEOUT_MS = 300_000
const MAX_TOKENS = 1_024
/**
 * Characters of instructions that fit into the model's context, per token. Tokens have about four characters, so this
 * limit is always safe.
 */
const CHARACTERS_PER_TOKEN = 2

/**
 * The front matter of a SKILL.md, as the Agent Skills specification defines it (agentskills.io, "Frontmatter").
 * `examples` is Lares's own key: messages that ask for the skill. Keys for other programs are ignored.
 */
const frontMatterSchema = z.looseObject({
  name: nameSchema,
  description: z.string().trim().min(1).max(1_024),
  examples: z.array(z.string().trim().min(1)).default([]),
})

/**
 * Creates the skill that a SKILL.md describes. Its text is the instructions by which the language model answers the
 * person. Lares reads only that file and runs no scripts beside it. Errors: `invalid_config`, which names the file and
 * the mistake.
 */
export function skillFromMarkdown(text: string, file: string): AnyFunction {
  const { front, instructions } = parseSkillFile(text, file)
  return defineSkill({
    name: front.name,
    description: front.description,
    // Without examples, the description has to say when the skill is meant.
    examples: front.examples.length > 0 ? front.examples : [front.description],
    input: z.object({
      request: z.string().optional().describe('what is wanted, in the words of the person'),
    }),
    uses: ['models'],
    timeoutMs: TIMEOUT_MS,
    run: async ({ request }, { models, text, signal }) => {
      const { contextTokens } = await models.capabilities('text-generation')
      const maxCharacters = Math.max(0, contextTokens - MAX_TOKENS) * CHARACTERS_PER_TOKEN
      const said = request ?? text
      const system = instructions.slice(0, Math.max(0, maxCharacters - said.length))
      return await generateAnswer(
        models,
        [
          { role: 'system', content: system },
          { role: 'user', content: said },
        ],
        signal,
      )
    },
  })
}

async function generateAnswer(models: Models, messages: ChatMessage[], signal: AbortSignal): Promise<string> {
  let answer = ''
  for await (const chunk of models.generate('text-generation', { messages, maxTokens: MAX_TOKENS, signal }))
    if (chunk.kind === 'text') answer += chunk.text
  return answer.trim()
}

function parseSkillFile(text: string, file: string) {
  const configError = (problem: string, cause?: unknown) =>
    new LaresError('invalid_config', `${file} ${problem}`, { cause })
  const parts = /^\uFEFF?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)(.*)$/s.exec(text)
  if (!parts)
    throw configError('begins with no front matter: write "---", name, description and "---" at its top')
  let yaml: unknown
  try {
    yaml = parse(parts[1]!)
  } catch (cause) {
    throw configError(`has front matter that is not YAML: ${(cause as Error).message}`, cause)
  }
  const front = frontMatterSchema.safeParse(yaml)
  if (!front.success) throw configError(`has wrong front matter: ${z.prettifyError(front.error)}`)
  const instructions = parts[2]!.trim()
  if (instructions === '')
    throw configError('tells nothing after its front matter: write there what is to be done')
  return { front: front.data, instructions }
}
