import type { ChatMessage, GenerateRequest } from '../models.ts'

/** Fields that many servers accept and some refuse; the driver learns from the refusals. */
export type OptionalField = 'stream_options' | 'max_tokens' | 'temperature' | 'seed' | 'tools'

/**
 * The body of a chat completion, with only the necessary fields: each further field is one that some server refuses.
 */
export function requestBody(
  model: string,
  request: GenerateRequest,
  unsupported: ReadonlySet<OptionalField>,
) {
  const { tools, maxTokens, temperature, seed } = request
  const isSupported = (field: OptionalField, value: unknown) => value !== undefined && !unsupported.has(field)
  return {
    model,
    messages: request.messages.map(toWireMessage),
    stream: true,
    ...(isSupported('stream_options', true) && { stream_options: { include_usage: true } }),
    ...(isSupported('tools', tools?.[0]) && {
      tools: tools!.map(({ name, description, parameters }) => ({
        type: 'function',
        function: { name, description, parameters },
      })),
    }),
    // OpenAI's newer models accept the limit only by its newer name, and other servers only by the old one.
    ...(maxTokens !== undefined && {
      [unsupported.has('max_tokens') ? 'max_completion_tokens' : 'max_tokens']: maxTokens,
    }),
    ...(isSupported('temperature', temperature) && { temperature }),
    ...(isSupported('seed', seed) && { seed }),
  }
}

/** The field of a body that the server's error message names, if the body works without that field. */
export function unsupportedField(body: object, errorMessage: string): OptionalField | undefined {
  if (
    'tools' in body &&
    /\btools?\b.*(not support|unsupported|requires)|not support.*\btools?\b/i.test(errorMessage)
  )
    return 'tools'
  const fields = ['stream_options', 'max_tokens', 'temperature', 'seed'] as const
  return fields.find(field => field in body && errorMessage.includes(field))
}

function toWireMessage(message: ChatMessage) {
  if (message.role === 'tool')
    return { role: 'tool', content: message.content, tool_call_id: message.toolCallId }
  if (message.role !== 'assistant' || !message.toolCalls?.length)
    return { role: message.role, content: message.content }
  const calls = message.toolCalls.map(call => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }))
  return { role: 'assistant', content: message.content, tool_calls: calls }
}
