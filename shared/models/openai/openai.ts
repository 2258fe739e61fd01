import { createParser } from 'eventsource-parser'
import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import type { GenerateChunk, GenerateRequest, TextGenerator } from '../models.ts'
import { connectionError, responseError } from './errors.ts'
import { type OptionalField, requestBody, unsupportedField } from './request.ts'
import { createAnswerCollector } from './stream-collector.ts'
import { errorMessageOf, type ListedModel, parseChunk, parseModels, type WireChunk } from './wire-format.ts'

export type OpenAIOptions = {
  /** With or without `/v1`. */
  baseUrl: string
  apiKey?: string | undefined
  /** Default: the first model that the server lists. */
  model?: string | undefined
  /** Default: the server's value, else 8192. */
  contextTokens?: number | undefined
  fetch?: typeof globalThis.fetch
  /**
   * The timeout until the server's first byte. It is long, because a small machine reads a prompt slowly. Default 120
   * s.
   */
  firstByteTimeoutMs?: number
  /** The timeout between two parts. Default 60 s. */
  idleTimeoutMs?: number
  /** The timeout of requests about the server itself. Default 5 s. */
  checkTimeoutMs?: number
}

const defaultContextTokens = 8192

/**
 * Models on any server with OpenAI's chat completions, such as llama.cpp, Ollama or vLLM. The driver adapts to the
 * server's refusals.
 */
export function openOpenAIModels(options: OpenAIOptions): TextGenerator {
  const { fetch = globalThis.fetch, firstByteTimeoutMs = 120_000, idleTimeoutMs = 60_000 } = options
  const base = apiBaseUrl(options.baseUrl)
  const headers = {
    'content-type': 'application/json',
    ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
  }
  const unsupported = new Set<OptionalField>()
  const closing = new AbortController()
  let modelList: Promise<ListedModel[]> | undefined

  async function* generate(
    _task: 'text-generation',
    request: GenerateRequest,
  ): AsyncGenerator<GenerateChunk> {
    const watch = startWatchdog(firstByteTimeoutMs, request.signal, closing.signal)
    try {
      const model = options.model ?? (await firstModel())
      const response = await postCompletion(model, request, watch.signal)
      const answer = createAnswerCollector(model, request)
      for await (const chunk of readChunks(response, () => watch.restart(idleTimeoutMs))) {
        const text = answer.add(chunk)
        if (text) yield { kind: 'text', text }
      }
      yield* answer.finish()
    } catch (error) {
      if (watch.signal.aborted) throw cancellationError(watch.signal)
      throw connectionError(error, base)
    } finally {
      watch.end()
    }
  }

  /** Retries without the refused parameters, and remembers them once the server has answered. */
  async function postCompletion(
    model: string,
    request: GenerateRequest,
    signal: AbortSignal,
  ): Promise<Response> {
    const without = new Set(unsupported)
    for (;;) {
      const sent = requestBody(model, request, without)
      const response = await fetch(`${base}/chat/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(sent),
        signal,
      })
      if (response.ok) {
        for (const field of without) unsupported.add(field)
        return response
      }
      const body = await response.text()
      const field = unsupportedField(sent, errorMessageOf(body))
      if (!field) throw responseError(response, body)
      without.add(field)
    }
  }

  async function fetchModels(): Promise<ListedModel[]> {
    const signal = AbortSignal.any([AbortSignal.timeout(options.checkTimeoutMs ?? 5000), closing.signal])
    try {
      const response = await fetch(`${base}/models`, { headers, signal })
      const body = await response.text()
      if (!response.ok) throw responseError(response, body)
      return parseModels(body)
    } catch (error) {
      throw connectionError(error, base)
    }
  }

  /** Asks the server once, and again after a failure. */
  function cachedModels(): Promise<ListedModel[]> {
    modelList ??= fetchModels()
    modelList.catch(() => {
      modelList = undefined
    })
    return modelList
  }

  async function firstModel(): Promise<string> {
    const first = (await cachedModels())[0]
    if (!first)
      throw new LaresError(
        'unavailable',
        `the model server at ${base} has no model: load one, or set LARES_MODEL`,
      )
    return first.id
  }

  async function capabilities() {
    const model = options.model ?? (await firstModel())
    const contextTokens = options.contextTokens ?? (await contextTokensOf(model))
    return { model, tools: !unsupported.has('tools'), contextTokens }
  }

  /** A server needs no list of models if the model is configured. */
  async function contextTokensOf(model: string): Promise<number> {
    const models = await cachedModels().catch(() => [])
    return models.find(({ id }) => id === model)?.contextTokens ?? defaultContextTokens
  }

  async function check(): Promise<void> {
    const models = await fetchModels().catch((cause: LaresError) => {
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

/** The API's URL on a server; `url` may include `/v1` and the path of its chat completions. */
export function apiBaseUrl(url: string): string {
  const base = url
    .trim()
    .replace(/\/+$/, '')
    .replace(/\/chat\/completions$/, '')
  return /\/v\d[^/]*(\/|$)/.test(new URL(base).pathname) ? base : `${base}/v1`
}

/** Aborts a request when its caller cancels, or when its server has been silent for too long. */
function startWatchdog(firstMs: number, ...others: (AbortSignal | undefined)[]) {
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

/** The parts of an answer as they arrive. A server that does not stream sends the answer as one part. */
async function* readChunks(response: Response, onBytes: () => void): AsyncGenerator<WireChunk> {
  if (response.headers.get('content-type')?.includes('application/json'))
    return yield parseChunk(await response.text())
  const pending: string[] = []
  const parser = createParser({ onEvent: event => pending.push(event.data) })
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) {
    onBytes()
    parser.feed(decoder.decode(bytes, { stream: true }))
    for (const data of pending.splice(0)) {
      if (data === '[DONE]') return
      yield parseChunk(data)
    }
  }
}
