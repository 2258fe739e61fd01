import * as z from 'zod'
import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import type { Embedder } from '../models.ts'
import { connectionError, responseError } from './errors.ts'
import { apiBaseUrl } from './openai.ts'

export type OpenAIEmbeddingsOptions = {
  /** With or without `/v1`. */
  baseUrl: string
  apiKey?: string | undefined
  model: string
  fetch?: typeof globalThis.fetch
  /** The timeout of an answer. Default 60 s. */
  timeoutMs?: number
}

/** The number of texts in one request; servers have their own limits, and the lowest known is 96. */
const BATCH_SIZE = 64

const answerSchema = z.object({
  data: z.array(z.object({ embedding: z.array(z.number()).min(1), index: z.int().nonnegative().optional() })),
})

/**
 * An embedding model of a server that speaks OpenAI's `/v1/embeddings`. The request does not tell queries from
 * passages.
 */
export function openOpenAIEmbeddings(options: OpenAIEmbeddingsOptions): Embedder {
  const { model, fetch = globalThis.fetch, timeoutMs = 60_000 } = options
  const base = apiBaseUrl(options.baseUrl)
  const headers = {
    'content-type': 'application/json',
    ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
  }
  const closing = new AbortController()

  async function requestEmbeddings(input: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const body = JSON.stringify({ model, input, encoding_format: 'float' })
    const response = await fetch(`${base}/embeddings`, { method: 'POST', headers, body, signal })
    const text = await response.text()
    if (!response.ok) throw responseError(response, text)
    return parseVectors(text, input.length)
  }

  return {
    async embed(texts, _kind, signal) {
      const signals = [AbortSignal.timeout(timeoutMs), closing.signal, ...(signal ? [signal] : [])]
      const anySignal = AbortSignal.any(signals)
      try {
        const vectors: Float32Array[] = []
        for (let at = 0; at < texts.length; at += BATCH_SIZE)
          vectors.push(...(await requestEmbeddings(texts.slice(at, at + BATCH_SIZE), anySignal)))
        return { model, vectors }
      } catch (error) {
        throw anySignal.aborted ? cancellationError(anySignal) : connectionError(error, base)
      }
    },
    async close() {
      closing.abort(new LaresError('unavailable', 'the models are closed'))
    },
  }
}

/** Restores the order of the texts, which a server may change, and length 1, which not every server ensures. */
function parseVectors(text: string, count: number): Float32Array[] {
  const result = answerSchema.safeParse(tryJson(text))
  if (!result.success || result.data.data.length !== count)
    throw new LaresError('unavailable', `the model server sent no ${count} embeddings: ${text.slice(0, 200)}`)
  return result.data.data
    .map(({ embedding, index }, at) => ({ embedding, at: index ?? at }))
    .sort((a, b) => a.at - b.at)
    .map(({ embedding }) => {
      const length = Math.hypot(...embedding) || 1
      return Float32Array.from(embedding, value => value / length)
    })
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
