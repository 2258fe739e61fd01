import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { GenerateChunk, GenerateRequest, Models, TextGenerator } from '../models.ts'
import { openOpenAIEmbeddings } from './embeddings.ts'
import { type OpenAIOptions, openOpenAIModels } from './openai.ts'

export type Seen = {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
}
export type Answer = (response: ServerResponse, seen: Seen) => void

export const hello: GenerateRequest = { messages: [{ role: 'user', content: 'hello' }] }
export const weather: GenerateRequest = {
  ...hello,
  tools: [{ name: 'weather', description: 'The weather', parameters: { type: 'object' } }],
}

/** A server that lists models and answers completions by `answer`. */
export async function serve(
  answer: Answer,
  options: Partial<OpenAIOptions> = {},
  end = '/v1',
  list: unknown[] = [{ id: 'm' }],
) {
  const requests: Seen[] = []
  let gone = 0
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const seen = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      body: JSON.parse(text || '{}'),
    }
    requests.push(seen)
    response.on('close', () => (gone += response.writableFinished ? 0 : 1))
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
  return { models, requests, stop, gone: () => gone }
}

export function short(response: ServerResponse): void {
  sse(response, [said('ok'), finished('stop'), '[DONE]'])
}

export function sse(response: ServerResponse, data: string[], end = true): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const item of data) response.write(`data: ${item}\n\n`)
  if (end) response.end()
}

export function refuse(status: number, message: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ error: { message } }))
  }
}

export function said(content: string): string {
  return JSON.stringify({
    model: 'served-1',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  })
}

export function called(delta: unknown): string {
  return JSON.stringify({ choices: [{ delta: { tool_calls: [delta] }, finish_reason: null }] })
}

export function finished(reason: string): string {
  return JSON.stringify({ choices: [{ delta: {}, finish_reason: reason }] })
}

export function counted(input: number, output: number): string {
  return JSON.stringify({ choices: [], usage: { prompt_tokens: input, completion_tokens: output } })
}

export async function collect(models: TextGenerator, request: GenerateRequest): Promise<GenerateChunk[]> {
  const chunks: GenerateChunk[] = []
  for await (const chunk of models.generate('text-generation', request)) chunks.push(chunk)
  return chunks
}

export function textOf(chunks: GenerateChunk[]): string {
  return chunks.map(chunk => (chunk.kind === 'text' ? chunk.text : '')).join('')
}

export function callsOf(chunks: GenerateChunk[]) {
  return chunks.flatMap(chunk => (chunk.kind === 'tool-call' ? [chunk.call] : []))
}
