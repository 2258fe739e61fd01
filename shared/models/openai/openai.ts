import { createParser } from 'eventsource-parser'
import { cancelled } from '../../base/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import type { GenerateChunk, GenerateRequest, TextGenerator } from '../models.ts'
import { errorOfConnection, errorOfResponse } from './errors.ts'
import { type Refusable, refusedField, requestBody } from './request.ts'
import { collectAnswer } from './stream-collector.ts'
import { complaintOf, type ListedModel, parseChunk, parseModels, type WireChunk } from './wire-format.ts'

export type OpenAIOptions = {
  /** With or without `/v1`. */
  baseUrl: string
  apiKey?: string | undefined
  /** None given: the first that the server lists. */
  model?: string | undefined
  /** None given: what the server tells, else 8192. */
  contextTokens?: number | undefined
  fetch?: typeof globalThis.fetch
  /** How long the server may be silent before its first byte. Long, because a small machine reads a prompt slowly. Default 120 s. */
  firstByteTimeoutMs?: number
  /** How long it may be silent between two parts. Default 60 s. */
  idleTimeoutMs?: number
  /** How long a question about the server itself may take. Default 5 s. */
  checkTimeoutMs?: number
}

const defaultContextTokens = 8192

/** Models on any server that speaks OpenAI's chat completions, such as llama.cpp, Ollama or vLLM. It adapts to what the server refuses. */
export function openOpenAIModels(options: OpenAIOptions): TextGenerator {
  const { fetch = globalThis.fetch, firstByteTimeoutMs = 120_000, idleTimeoutMs = 60_000 } = options
  const base = apiBase(options.baseUrl)
  const headers = {
    'content-type': 'application/json',
    ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
  }
  const refused = new Set<Refusable>()
  const closing = new AbortController()
  let listing: Promise<ListedModel[]> | undefined

  async function* generate(
    _task: 'text-generation',
    request: GenerateRequest,
  ): AsyncGenerator<GenerateChunk> {
    const watch = watchdog(firstByteTimeoutMs, request.signal, closing.signal)
    try {
      const model = options.model ?? (await firstModel())
      const response = await ask(model, request, watch.signal)
      const answer = collectAnswer(model, request)
      for await (const chunk of chunksOf(response, () => watch.restart(idleTimeoutMs))) {
        const text = answer.add(chunk)
        if (text) yield { kind: 'text', text }
      }
      yield* answer.finish()
    } catch (error) {
      if (watch.signal.aborted) throw cancelled(watch.signal)
      throw errorOfConnection(error, base)
    } finally {
      watch.end()
    }
  }

  /** Asks again without what the server refuses, and remembers what that was once it has answered. */
  async function ask(model: string, request: GenerateRequest, signal: AbortSignal): Promise<Response> {
    const without = new Set(refused)
    for (;;) {
      const sent = requestBody(model, request, without)
      const response = await fetch(`${base}/chat/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(sent),
        signal,
      })
      if (response.ok) {
        for (const field of without) refused.add(field)
        return response
      }
      const body = await response.text()
      const field = refusedField(sent, complaintOf(body))
      if (!field) throw errorOfResponse(response, body)
      without.add(field)
    }
  }

  async function list(): Promise<ListedModel[]> {
    const signal = AbortSignal.any([AbortSignal.timeout(options.checkTimeoutMs ?? 5000), closing.signal])
    try {
      const response = await fetch(`${base}/models`, { headers, signal })
      const body = await response.text()
      if (!response.ok) throw errorOfResponse(response, body)
      return parseModels(body)
    } catch (error) {
      throw errorOfConnection(error, base)
    }
  }

  /** The server is asked once; after a failure, again. */
  function listed(): Promise<ListedModel[]> {
    listing ??= list()
    listing.catch(() => {
      listing = undefined
    })
    return listing
  }

  async function firstModel(): Promise<string> {
    const first = (await listed())[0]
    if (!first)
      throw new LaresError(
        'unavailable',
        `the model server at ${base} has no model: load one, or set LARES_MODEL`,
      )
    return first.id
  }

  async function capabilities() {
    const model = options.model ?? (await firstModel())
    const contextTokens = options.contextTokens ?? (await contextOf(model))
    return { model, tools: !refused.has('tools'), contextTokens }
  }

  /** A server need not have a list of models when its model is given. */
  async function contextOf(model: string): Promise<number> {
    const models = await listed().catch(() => [])
    return models.find(({ id }) => id === model)?.contextTokens ?? defaultContextTokens
  }

  async function check(): Promise<void> {
    const models = await list().catch((cause: LaresError) => {
      throw new LaresError(
        'unavailable',
        `${cause.message}. Start the server, or correct OPENAI_BASE_URL and OPENAI_API_KEY`,
        { cause },
      )
    })
    if (models.length === 0 && !options.model) await firstModel()
  }

  async function close(): Promise<void> {
    closing.abort(new LaresError('unavailable', 'the models are closed'))
  }

  return { generate, capabilities, check, close }
}

/** Where the API of a server is, given with or without `/v1` and the path of its chat completions. */
export function apiBase(url: string): string {
  const base = url
    .trim()
    .replace(/\/+$/, '')
    .replace(/\/chat\/completions$/, '')
  return /\/v\d[^/]*(\/|$)/.test(new URL(base).pathname) ? base : `${base}/v1`
}

/** Ends a request that its caller gives up, or whose server has been silent for too long. */
function watchdog(firstMs: number, ...others: (AbortSignal | undefined)[]) {
  const silence = new AbortController()
  let timer: NodeJS.Timeout
  const restart = (ms: number) => {
    clearTimeout(timer)
    const message = `the model server has been silent for ${ms} ms`
    timer = setTimeout(() => silence.abort(new LaresError('deadline_exceeded', message)), ms)
  }
  restart(firstMs)
  const signal = AbortSignal.any([silence.signal, ...others.filter(other => other !== undefined)])
  return { signal, restart, end: () => clearTimeout(timer) }
}

/** The parts of an answer as they come. A server that does not stream sends it as one. */
async function* chunksOf(response: Response, onBytes: () => void): AsyncGenerator<WireChunk> {
  if (response.headers.get('content-type')?.includes('application/json'))
    return yield parseChunk(await response.text())
  const waiting: string[] = []
  const parser = createParser({ onEvent: event => waiting.push(event.data) })
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) {
    onBytes()
    parser.feed(decoder.decode(bytes, { stream: true }))
    for (const data of waiting.splice(0)) {
      if (data === '[DONE]') return
      yield parseChunk(data)
    }
  }
}
