import * as z from 'zod'
import { LaresError } from '../../base/errors.ts'

const toolCallDeltaSchema = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z
    .object({
      name: z.string().nullish(),
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
    })
    .nullish(),
})

/** Text or, on some servers, a list of parts. */
const contentSchema = z.union([
  z.string(),
  z
    .array(z.object({ text: z.string().nullish() }))
    .transform(parts => parts.map(part => part.text ?? '').join('')),
])

const deltaSchema = z.object({
  content: contentSchema.nullish(),
  tool_calls: z.array(toolCallDeltaSchema).nullish(),
})

const usageSchema = z.object({ prompt_tokens: z.number(), completion_tokens: z.number().nullish() })

const chunkSchema = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        delta: deltaSchema.nullish(),
        message: deltaSchema.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish().catch(undefined),
  error: z.unknown().optional(),
})

/** A part of a server's stream, or the whole answer if it cannot stream. Unknown fields are ignored. */
export type WireChunk = z.infer<typeof chunkSchema>
export type WireToolCall = z.infer<typeof toolCallDeltaSchema>

const modelListSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      max_model_len: z.number().nullish(),
      context_length: z.number().nullish(),
      context_window: z.number().nullish(),
      meta: z.object({ n_ctx: z.number().nullish() }).nullish(),
    }),
  ),
})

/** vLLM, OpenRouter, Groq and llama.cpp have different names for the context size; other servers do not give it. */
export type ListedModel = { id: string; contextTokens: number | undefined }

/**
 * Errors: `unavailable` if the text is no chunk. An error that the server sends inside its stream is thrown as an
 * error.
 */
export function parseChunk(text: string): WireChunk {
  const result = chunkSchema.safeParse(parseJson(text))
  if (!result.success) throw invalidAnswerError(text, result.error)
  if (result.data.error)
    throw new LaresError('unavailable', `the model server failed: ${errorMessageOf(text)}`)
  return result.data
}

export function parseModels(text: string): ListedModel[] {
  const result = modelListSchema.safeParse(parseJson(text))
  if (!result.success) throw invalidAnswerError(text, result.error)
  return result.data.data.map(({ id, max_model_len, context_length, context_window, meta }) => ({
    id,
    contextTokens: max_model_len ?? context_length ?? context_window ?? meta?.n_ctx ?? undefined,
  }))
}

/** The message of an error body, which has four forms: {error: {message}}, {error}, {message}, {detail}. */
export function errorMessageOf(body: string): string {
  const parsed = z
    .union([
      z.object({ error: z.object({ message: z.string() }) }).transform(value => value.error.message),
      z.object({ error: z.string() }).transform(value => value.error),
      z.object({ message: z.string() }).transform(value => value.message),
      z.object({ detail: z.string() }).transform(value => value.detail),
    ])
    .safeParse(tryJson(body))
  return (parsed.success ? parsed.data : body).trim().slice(0, 500)
}

function parseJson(text: string): unknown {
  const value = tryJson(text)
  if (value === undefined) throw invalidAnswerError(text)
  return value
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function invalidAnswerError(text: string, cause?: unknown): LaresError {
  return new LaresError(
    'unavailable',
    `the model server sent what is no OpenAI answer: ${text.slice(0, 200)}`,
    {
      cause,
    },
  )
}
