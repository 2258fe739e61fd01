import { createParser } from 'eventsource-parser'
import WebSocket from 'ws'
import { OWNER_TOKEN, type TestGateway } from './gateway-instance.ts'

export type RequestOptions = Omit<RequestInit, 'body' | 'headers'> & {
  headers?: Record<string, string>
  json?: unknown
  body?: string
  token?: string | null
}

/** A request as a program makes it; with `json` it is a POST. */
export function sendRequest(
  gateway: TestGateway,
  path: string,
  { json, token = OWNER_TOKEN, headers, ...init }: RequestOptions = {},
) {
  return fetch(gateway.url + path, {
    ...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
    ...init,
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  })
}

export async function sendMessage(
  gateway: TestGateway,
  text: string,
  { conversation, key }: { conversation?: string; key?: string } = {},
): Promise<{ id: string; conversation: string }> {
  const response = await sendRequest(gateway, '/api/messages', {
    json: { text, conversation },
    ...(key && { headers: { 'idempotency-key': key } }),
  })
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string; conversation: string }
}

export type Row = {
  id: string
  role: string
  text: string
  inReplyTo: string | null
  status: string
  createdAt: string
}

export async function listRows(
  gateway: TestGateway,
  conversation: string,
  query = 'limit=200',
): Promise<Row[]> {
  const response = await sendRequest(gateway, `/api/conversations/${conversation}/messages?${query}`)
  return ((await response.json()) as { messages: Row[] }).messages
}

export type StreamedEvent = { event: string; id: string | undefined; data: Record<string, unknown> & Row }

/** A client of server-sent events whose connection is closed by hand. */
export async function openEventStream(
  gateway: TestGateway,
  conversation: string,
  { lastEventId, query = '' }: { lastEventId?: string; query?: string } = {},
) {
  const stop = new AbortController()
  const response = await sendRequest(gateway, `/api/conversations/${conversation}/events${query}`, {
    signal: stop.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  })
  const heard: StreamedEvent[] = []
  const client = { response, heard, raw: '', lastEventId, isEnded: false, close: () => stop.abort() }
  const parser = createParser({
    onEvent({ event = '', id, data }) {
      heard.push({ event, id, data: JSON.parse(data) })
      if (id !== undefined) client.lastEventId = id
    },
  })
  const read = async () => {
    for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
      client.raw += bytes
      parser.feed(bytes)
    }
  }
  read()
    .catch(() => undefined)
    .finally(() => {
      client.isEnded = true
    })
  return client
}

/** The chunks of a streamed chat completion, without the last line. */
export async function readChunks(response: Response) {
  const text = await response.text()
  const lines = text.split('\n\n').filter(line => line.startsWith('data: '))
  const last = lines.at(-1)
  const chunks = lines.filter(line => line !== 'data: [DONE]').map(line => JSON.parse(line.slice(6)))
  return { chunks, isDone: last === 'data: [DONE]', text: chunks.map(textOfChunk).join('') }
}

const textOfChunk = (chunk: { choices?: { delta?: { content?: string } }[] }): string =>
  chunk.choices?.[0]?.delta?.content ?? ''

/** A WebSocket that collects its frames; resolves when it is open, rejects with the status when it is refused. */
export function openSocket(
  gateway: TestGateway,
  {
    protocols = [`bearer.${OWNER_TOKEN}`],
    ...options
  }: { protocols?: string[]; headers?: Record<string, string> } = {},
) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/socket`, protocols, options)
  // biome-ignore lint/suspicious/noExplicitAny: what comes in is what is tested
  const frames: any[] = []
  socket.on('message', data => frames.push(JSON.parse(data.toString())))
  const client = {
    socket,
    frames,
    send: (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
  }
  return new Promise<typeof client>((resolve, reject) => {
    socket.on('open', () => resolve(client))
    socket.on('unexpected-response', (_request, { statusCode }) => reject(new Error(String(statusCode))))
    socket.on('error', reject)
  })
}
