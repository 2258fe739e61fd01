import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { GenerateChunk, GenerateRequest, Models, TextGenerator } from '../models.ts'
import { openOpenAIEmbeddings } from './embeddings.ts'
import { type OpenAIOptions, openOpenAIModels } from './openai.ts'

export type ReceivedRequest = {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
}
export type AnswerHandler = (response: ServerResponse, seen: ReceivedRequest) => void

export const helloRequest: GenerateRequest = { messages: [{ role: 'user', content: 'hello' }] }
export const weatherRequest: GenerateRequest = {
  ...helloRequest,
  tools: [{ name: 'weather', description: 'The weather', parameters: { type: 'object' } }],
}

/** A server that lists models and answers completions with `answer`. */
export async function startModelServer(
  answer: AnswerHandler,
  options: Partial<OpenAIOptions> = {},
  end = '/v1',
  list: unknown[] = [{ id: 'm' }],
) {
  const requests: ReceivedRequest[] = []
  let disconnects = 0
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const seen = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      body: JSON.parse(text || '{}'),
    }
    requests.push(seen)
    response.on('close', () => (disconnects += response.writableFinished ? 0 : 1))
    if (request.method === 'GET') response.end(JSON.stringify({ data: list }))
    else answer(response, seen)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${end}`
  const generator = openOpenAIModels({ baseUrl, model: 'm', ...options })
  const { embed } = openOpenAIEmbeddings({ baseUrl, model: 'm', apiKey: options.apiKey })
  const models: Models = { ...generator, embed }
  const stop = async () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(async () => {
    await models.close()
    await stop()
  })
  return { models, requests, stop, gone: () => disconnects }
}

export function answerOk(response: ServerResponse): void {
  sendEvents(response, [textChunk('ok'), finishChunk('stop'), '[DONE]'])
}

export function sendEvents(response: ServerResponse, data: string[], end = true): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const item of data) response.write(`data: ${item}\n\n`)
  if (end) response.end()
}

export function refuseWith(status: number, message: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ error: { message } }))
  }
}

export function textChunk(content: string): string {
  return JSON.stringify({
    model: 'served-1',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  })
}

export function toolCallChunk(delta: unknown): string {
  return JSON.stringify({ choices: [{ delta: { tool_calls: [delta] }, finish_reason: null }] })
}

export function finishChunk(reason: string): string {
  return JSON.stringify({ choices: [{ delta: {}, finish_reason: reason }] })
}

export function usageChunk(input: number, output: number): string {
  return JSON.stringify({ choices: [], usage: { prompt_tokens: input, completion_tokens: output } })
}

export async function collectChunks(
  models: TextGenerator,
  request: GenerateRequest,
): Promise<GenerateChunk[]> {
  const chunks: GenerateChunk[] = []
  for await (const chunk of models.generate('text-generation', request)) chunks.push(chunk)
  return chunks
}

export function textOf(chunks: GenerateChunk[]): string {
  return chunks.map(chunk => (chunk.kind === 'text' ? chunk.text : '')).join('')
}

export function toolCallsOf(chunks: GenerateChunk[]) {
  return chunks.flatMap(chunk => (chunk.kind === 'tool-call' ? [chunk.call] : []))
}
