import * as z from 'zod'

/** The part of a chat completion that the test model server reads. */
export const completionRequestSchema = z.object({
  model: z.string().optional(),
  stream: z.boolean().optional(),
  max_tokens: z.number().optional(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).optional(),
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'user', 'assistant', 'tool']),
        content: z.string().nullish(),
        tool_call_id: z.string().optional(),
        tool_calls: z
          .array(z.object({ id: z.string(), function: z.object({ name: z.string() }) }))
          .optional(),
      }),
    )
    .min(1),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).optional(),
})

export type CompletionRequest = z.infer<typeof completionRequestSchema>

export type ModelReply = {
  text: string
  call?: { id: string; name: string; arguments: string }
  failStatus?: number
  delayMs: number
}

/**
 * The reply to a request. The same request always gets the same reply:
 * - `echo: <last user text>`; after the result of a tool, `NAME said: <result>`;
 * - `call NAME {json}` in the last user text calls that tool when the request offers it;
 * - `[fail:CODE]` answers with that HTTP status, `[slow:MS]` waits before the first word.
 */
export function modelReplyTo(request: CompletionRequest, canFail = true): ModelReply {
  const last = request.messages.at(-1)!
  const prompt = request.messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const delayMs = Number(/\[slow:(\d+)\]/.exec(prompt)?.[1] ?? 0)
  const failed = canFail && /\[fail:(\d{3})\]/.exec(prompt)?.[1]
  if (failed) return { text: '', failStatus: Number(failed), delayMs }
  if (last.role === 'tool') return { text: `${lastToolName(request)} said: ${last.content ?? ''}`, delayMs }
  const call = parseToolCall(prompt, request)
  return call ? { text: '', call, delayMs } : { text: `echo: ${prompt}`, delayMs }
}

/** The name of the tool with the last result. */
function lastToolName({ messages }: CompletionRequest): string {
  const id = messages.at(-1)?.tool_call_id
  const calls = messages.flatMap(message => message.tool_calls ?? [])
  return calls.find(call => call.id === id)?.function.name ?? 'a tool'
}

function parseToolCall(prompt: string, { tools, messages }: CompletionRequest): ModelReply['call'] {
  const [, name, rest] = /\bcall ([\w.-]+)\s*(\{.*)?/s.exec(prompt) ?? []
  if (!name || !tools?.some(tool => tool.function.name === name)) return undefined
  return { id: `call_${messages.length}`, name, arguments: firstObject(rest ?? '') }
}

/** The text of the JSON object at the start of `text`; `{}` when there is none. */
function firstObject(text: string): string {
  for (let end = text.indexOf('}') + 1; end > 0; end = text.indexOf('}', end) + 1) {
    const candidate = text.slice(0, end)
    if (isJson(candidate)) return candidate
  }
  return '{}'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
