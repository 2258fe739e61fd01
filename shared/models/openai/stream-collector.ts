import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { LaresError } from '../../base/errors.ts'
import type { GenerateChunk, GenerateRequest, ToolCall, Usage } from '../models.ts'
import type { WireChunk, WireToolCall } from './wire-format.ts'

type PartialToolCall = { index: number | undefined; id: string | undefined; name: string; arguments: string }

const argumentsSchema = z.record(z.string(), z.unknown())

/** Builds an answer from the chunks of a server. */
export function createAnswerCollector(model: string, request: GenerateRequest) {
  const calls: PartialToolCall[] = []
  let answeringModel = model
  let finishReason: string | undefined
  let usage: WireChunk['usage']
  let text = ''

  /** Adds a chunk, and returns its text. */
  function add(chunk: WireChunk): string {
    answeringModel = chunk.model || answeringModel
    usage = chunk.usage ?? usage
    const choice = chunk.choices?.[0]
    finishReason = choice?.finish_reason || finishReason
    const part = choice?.delta ?? choice?.message
    for (const call of part?.tool_calls ?? []) mergeToolCall(calls, call)
    text += part?.content ?? ''
    return part?.content ?? ''
  }

  /**
   * The remaining chunks after the end of the stream. Errors: `unavailable` for a broken stream, `failed` for
   * unreadable tool calls, `rejected` for a filtered answer.
   */
  function finish(): GenerateChunk[] {
    if (!finishReason)
      throw new LaresError('unavailable', 'the model server broke off in the middle of its answer')
    if (finishReason === 'content_filter' && text === '')
      throw new LaresError('rejected', 'the model server filtered this answer out')
    const complete = calls.map(toToolCall)
    const reason = complete.length > 0 ? 'tool-calls' : finishReason === 'length' ? 'length' : 'stop'
    const end = { kind: 'end', finishReason: reason, usage: countUsage(), model: answeringModel } as const
    return [...complete.map(call => ({ kind: 'tool-call', call }) as const), end]
  }

  function countUsage(): Usage {
    const output = text + calls.map(call => call.name + call.arguments).join('')
    return {
      inputTokens: usage?.prompt_tokens ?? estimateTokens(JSON.stringify([request.messages, request.tools])),
      outputTokens: usage?.completion_tokens ?? estimateTokens(output),
    }
  }

  return { add, finish }
}

/**
 * Servers may send a call whole or in parts, and with or without an index or an id. Some send several whole calls under
 * one index.
 */
function mergeToolCall(calls: PartialToolCall[], delta: WireToolCall): void {
  const index = delta.index ?? undefined
  const id = delta.id || undefined
  const name = delta.function?.name ?? ''
  const known = calls.findLast(call =>
    index === undefined ? !name || (id && call.id === id) : call.index === index,
  )
  const another = known?.id && id && known.id !== id
  const call = known && !another ? known : { index, id, name: '', arguments: '' }
  if (call !== known) calls.push(call)
  call.id ??= id
  call.name ||= name
  const given = delta.function?.arguments ?? ''
  call.arguments += typeof given === 'string' ? given : JSON.stringify(given)
}

function toToolCall({ id, name, arguments: text }: PartialToolCall): ToolCall {
  return { id: id ?? `call_${randomUUID()}`, name, arguments: parseArguments(name, text) }
}

function parseArguments(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.trim() || '{}')
    // Some servers encode the arguments twice.
    return argumentsSchema.parse(typeof value === 'string' ? JSON.parse(value) : (value ?? {}))
  } catch (cause) {
    const message = `the model called ${name || 'a tool'} with arguments that are no JSON object: ${text.slice(0, 200)}`
    throw new LaresError('failed', message, { cause })
  }
}

/** About four bytes for each token, in English as in Chinese; for servers that do not count. */
function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}
