// A deterministic substitute for a model, as an OpenAI-compatible server. To start it alone:
// node tests/support/model-server.ts --port N
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  type CompletionRequest,
  completionRequestSchema,
  type ModelReply,
  modelReplyTo,
} from './model-reply.ts'

export type ModelServerOptions = {
  /** Default: any free port. */
  port?: number
  /** Default: the loopback address. */
  host?: string
  /** The delay before the first word of every answer. */
  delayMs?: number
  /** The delay between two words. */
  tokenDelayMs?: number
}

/** A request, with the size of its body. */
export type ReceivedRequest = CompletionRequest & { bytes: number }

export type ModelServer = {
  /** For OPENAI_BASE_URL. */
  url: string
  /** The last 1,000 valid requests, oldest first. */
  requests: ReceivedRequest[]
  /** From now on the server ignores `[fail:CODE]`. */
  stopFailing(): void
  close(): Promise<void>
}

const model = 'echo'
const MAX_REQUESTS = 1000
const MAX_BODY_BYTES = 4 * 1024 * 1024

/** Starts the server. `modelReplyTo` describes its replies. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const requests: ReceivedRequest[] = []
  let hasStoppedFailing = false
  const server = createServer((request, response) => {
    // A client that disconnects early is not a failure of this server.
    response.on('error', () => response.destroy())
    route(request, response).catch((error: Error) => sendError(response, 500, error.message))
  })
  server.keepAliveTimeout = 60_000
  const host = options.host ?? '127.0.0.1'
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0]
    if (request.method === 'GET' && path === '/v1/models')
      return sendJson(response, 200, {
        object: 'list',
        data: [{ id: model, object: 'model', owned_by: 'tests' }],
      })
    if (request.method !== 'POST' || path !== '/v1/chat/completions')
      return sendError(response, 404, 'no such path')
    const body = await readBody(request)
    if (body === undefined) return sendError(response, 413, 'the body is too large')
    await complete(body, response)
  }

  async function complete(body: string, response: ServerResponse): Promise<void> {
    const parsed = completionRequestSchema.safeParse(parseJson(body))
    if (!parsed.success) return sendError(response, 400, parsed.error.message)
    requests.push({ ...parsed.data, bytes: Buffer.byteLength(body) })
    if (requests.length > MAX_REQUESTS) requests.shift()
    const reply = modelReplyTo(parsed.data, !hasStoppedFailing)
    await pause(response, (options.delayMs ?? 0) + reply.delayMs)
    if (reply.failStatus)
      return sendError(response, reply.failStatus, `failed with ${reply.failStatus} as asked`)
    if (parsed.data.stream) return stream(parsed.data, reply, response, options.tokenDelayMs ?? 0)
    sendJson(response, 200, completionOf(parsed.data, reply))
  }

  function stopFailing(): void {
    hasStoppedFailing = true
  }

  async function close(): Promise<void> {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }

  return { url: `http://${host}:${(server.address() as AddressInfo).port}/v1`, requests, stopFailing, close }
}

async function stream(
  request: CompletionRequest,
  reply: ModelReply,
  response: ServerResponse,
  tokenDelayMs: number,
): Promise<void> {
  const { words, finishReason } = truncateReply(request, reply)
  const send = (choices: unknown[], usage?: unknown) =>
    response.write(`data: ${JSON.stringify({ ...envelope('chat.completion.chunk'), choices, usage })}\n\n`)
  const delta = (delta: unknown, reason: string | null = null) =>
    send([{ index: 0, delta, finish_reason: reason }])
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  delta({ role: 'assistant', content: '' })
  for (const [at, word] of words.entries()) {
    if (at > 0) await pause(response, tokenDelayMs)
    if (response.destroyed) return
    delta({ content: word })
  }
  if (reply.call) delta({ tool_calls: [{ index: 0, ...toolCall(reply.call) }] })
  delta({}, finishReason)
  if (request.stream_options?.include_usage) send([], usageOf(request, words))
  response.end('data: [DONE]\n\n')
}

function completionOf(request: CompletionRequest, reply: ModelReply): object {
  const { words, finishReason } = truncateReply(request, reply)
  const calls = reply.call && { tool_calls: [toolCall(reply.call)] }
  const message = { role: 'assistant', content: words.join(''), ...calls }
  const choices = [{ index: 0, message, finish_reason: finishReason }]
  return { ...envelope('chat.completion'), choices, usage: usageOf(request, words) }
}

/** Here a token is a word with the space before it. */
function truncateReply(request: CompletionRequest, reply: ModelReply) {
  const all = reply.text.match(/\s*\S+|\s+$/g) ?? []
  const words = all.slice(0, request.max_tokens)
  const finishReason = reply.call ? 'tool_calls' : words.length < all.length ? 'length' : 'stop'
  return { words, finishReason }
}

function usageOf(request: CompletionRequest, words: string[]) {
  const prompt = request.messages.reduce(
    (count, { content }) => count + (content?.match(/\S+/g)?.length ?? 0),
    0,
  )
  return { prompt_tokens: prompt, completion_tokens: words.length, total_tokens: prompt + words.length }
}

function envelope(object: string) {
  return { id: 'chatcmpl-echo', object, created: 0, model }
}

function toolCall({ id, name, arguments: given }: NonNullable<ModelReply['call']>) {
  return { id, type: 'function', function: { name, arguments: given } }
}

/** Waits, but ends the wait when the client disconnects. */
async function pause(response: ServerResponse, ms: number): Promise<void> {
  if (ms === 0) return
  const gone = new AbortController()
  const leave = () => gone.abort()
  response.once('close', leave)
  await wait(ms, undefined, { signal: gone.signal }).catch(() => response.destroy())
  response.off('close', leave)
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function sendError(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) response.destroy()
  else sendJson(response, status, { error: { message, type: 'stand_in', code: status } })
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      'delay-ms': { type: 'string' },
      'token-delay-ms': { type: 'string' },
    },
  })
  const { url } = await startModelServer({
    port: Number(values.port ?? 0),
    delayMs: Number(values['delay-ms'] ?? 0),
    tokenDelayMs: Number(values['token-delay-ms'] ?? 0),
  })
  console.log(url)
}
