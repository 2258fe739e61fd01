import { setTimeout as wait } from 'node:timers/promises'
import type { GenerateChunk, GenerateRequest, Models } from '../../../shared/models/models.ts'
import { hash32 } from '../chance.ts'
import type { World } from './calls.ts'

const USAGE = { inputTokens: 7, outputTokens: 3 }

/**
 * A model whose answer follows from its prompt: it calls a tool when the question says so ("use a tool", "use tools
 * without end"), else it repeats the question. By a fault it chooses other words the second time.
 */
export function openSimulatedModel({ chance }: World): Models {
  return {
    embed: async texts => ({ model: 'simulated', vectors: texts.map(embedText) }),
    generate: (_task, request) => streamAnswer(request, chance),
    capabilities: async () => ({ model: 'simulated', tools: true, contextTokens: 8_192 }),
    check: async () => undefined,
    close: async () => undefined,
  }
}

async function* streamAnswer(
  { messages, tools = [], seed = 0 }: GenerateRequest,
  chance: World['chance'],
): AsyncGenerator<GenerateChunk> {
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const toolResults = messages.filter(({ role }) => role === 'tool').length
  const site = `model ${seed}`
  if (wantsTool(question, toolResults) && tools.length > 0) {
    yield { kind: 'text', text: 'Let me look. ' }
    for (const [index, word] of ['fig', 'plum'].entries())
      yield {
        kind: 'tool-call',
        call: { id: `call-${toolResults}-${index}`, name: 'echo', arguments: { word } },
      }
    yield { kind: 'end', finishReason: 'tool-calls', usage: USAGE, model: 'simulated' }
    return
  }
  const words = `You said: ${question}`.split(' ')
  if (chance.injects('other-words', site)) words.splice(1, 0, 'just', `now (${toolResults})`)
  for (const word of words) {
    yield { kind: 'text', text: `${word} ` }
    await wait(chance.between(site, 1, 25))
  }
  yield { kind: 'end', finishReason: 'stop', usage: USAGE, model: 'simulated' }
}

const wantsTool = (question: string, toolResults: number): boolean =>
  question.includes('use tools without end') || (question.includes('use a tool') && toolResults === 0)

const DIMENSIONS = 16

/** Texts with the same words are near each other. */
function embedText(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? ['']) vector[hash32(0, word) % DIMENSIONS]! += 1
  const length = Math.hypot(...vector)
  return vector.map(part => part / length)
}
