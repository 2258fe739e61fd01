import * as z from 'zod'
import { cancelled } from '../../base/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import type { Embedder } from '../models.ts'
import { errorOfConnection, errorOfResponse } from './errors.ts'
import { apiBase } from './openai.ts'

export type OpenAIEmbeddingsOptions = {
  /** With or without `/v1`. */
  baseUrl: string
  apiKey?: string | undefined
  model: string
  fetch?: typeof globalThis.fetch
  /** How long an answer may take. Default 60 s. */
  timeoutMs?: number
}

/** Texts in one request; servers have limits of their own, the lowest known is 96. */
const TEXTS_AT_ONCE = 64

const answer = z.object({
  data: z.array(z.object({ embedding: z.array(z.number()).min(1), index: z.int().nonnegative().optional() })),
})

/** An embedding model of a server that speaks OpenAI's `/v1/embeddings`. Such a model is not told what is a query and what a passage. */
export function openOpenAIEmbeddings(options: OpenAIEmbeddingsOptions): Embedder {
  const { model, fetch = globalThis.fetch, timeoutMs = 60_000 } = options
  const base = apiBase(options.baseUrl)
  const headers = {
    'content-type': 'application/json',
    ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
  }
  const closing = new AbortController()

  async function ask(input: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const body = JSON.stringify({ model, input, encoding_format: 'float' })
    const response = await fetch(`${base}/embeddings`, { method: 'POST', headers, body, signal })
    const text = await response.text()
    if (!response.ok) throw errorOfResponse(response, text)
    return vectorsIn(text, input.length)
  }

  return {
    async embed(texts, _kind, signal) {
      const given = [AbortSignal.timeout(timeoutMs), closing.signal, ...(signal ? [signal] : [])]
      const any = AbortSignal.any(given)
      try {
        const vectors: Float32Array[] = []
        for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE)
          vectors.push(...(await ask(texts.slice(at, at + TEXTS_AT_ONCE), any)))
        return { model, vectors }
      } catch (error) {
        throw any.aborted ? cancelled(any) : errorOfConnection(error, base)
      }
    },
    async close() {
      closing.abort(new LaresError('unavailable', 'the models are closed'))
    },
  }
}

/** In the order of the texts, which a server need not keep, and of length 1, which not every server sees to. */
function vectorsIn(text: string, count: number): Float32Array[] {
  const result = answer.safeParse(tryJson(text))
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
