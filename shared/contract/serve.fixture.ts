import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Dispatcher, request } from 'undici'
import { type Logger, silentLogger } from '../base/log.ts'
import { openFolderObjects } from '../objects/folder.ts'
import type { Objects } from '../objects/objects.ts'
import type { Services } from './context.ts'
import { type AnyFunction, defineFunction, type FunctionDefinition } from './definition.ts'
import { createRootEvent, type EventDraft, type LaresEvent } from './events/event.ts'
import type { SkillRequest } from './events/event-types.ts'
import { eventsFromHttp, eventToHttp, NDJSON_MEDIA_TYPE } from './events/http-binding.ts'
import { createInvocable, type Invocable } from './invoke.ts'
import { type RunningFunction, type ServeOptions, serve } from './serve.ts'

type ParrotDefinition = FunctionDefinition<'lares.skill.parrot.requested', never>

/** A function that does what its test tells it to do. */
export const parrotFunction = (
  handle: ParrotDefinition['handle'],
  more: Partial<ParrotDefinition> = {},
): AnyFunction =>
  defineFunction<'lares.skill.parrot.requested'>({
    name: 'parrot',
    receives: ['lares.skill.parrot.requested'],
    emits: ['lares.result.returned', 'lares.stream.extended'],
    handle,
    ...more,
  })

/** A person's request to the parrot. */
export const skillRequestEvent = (text: string, more: Partial<SkillRequest> & { id?: string } = {}) => {
  const { id = 'said-1', ...data } = more
  return createRootEvent({
    id,
    source: '/lares/tests',
    type: 'lares.skill.parrot.requested',
    conversation: 'talk-1',
    time: '2026-05-01T12:00:00Z',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: {
      callId: 'call-1',
      step: 0,
      person: 'owner',
      input: null,
      text,
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
      ...data,
    },
  })
}

export const resultDraft = (text: string): EventDraft => ({
  type: 'lares.result.returned',
  data: { callId: 'call-1', step: 0, status: 'ok', text },
})

export const streamDraft = (offset: number, text: string): EventDraft => ({
  type: 'lares.stream.extended',
  data: { step: 0, offset, text },
})

export type FunctionTestBed = {
  objects: Objects
  invocable(definition: AnyFunction, services?: Partial<Services>): Invocable
  serve(definition: AnyFunction, options?: Partial<ServeOptions>): Promise<ServedFunction>
  close(): Promise<void>
}

export type ServedFunction = RunningFunction & {
  url: string
  post(event: LaresEvent, headers?: Record<string, string>): Promise<Dispatcher.ResponseData>
  /** Posts an event and reads the events of the answer, in any of its forms. */
  ask(event: LaresEvent, headers?: Record<string, string>): Promise<LaresEvent[]>
  get(path: string): Promise<{ status: number; body: unknown }>
}

/** Serves functions, each on its own port and with its own object store, until the test bed is closed. */
export async function openFunctionTestBed(log: Logger = silentLogger): Promise<FunctionTestBed> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-function-'))
  const objects = openFolderObjects(folder)
  const running: RunningFunction[] = []
  const createTestInvocable = (definition: AnyFunction, services: Partial<Services> = {}) =>
    createInvocable(definition, { services, objects, log })
  return {
    objects,
    invocable: createTestInvocable,
    async serve(definition, options = {}) {
      const one = await serve(createTestInvocable(definition), { port: 0, log, ...options })
      running.push(one)
      return testClient(one)
    },
    async close() {
      await Promise.all(running.map(one => one.drain()))
      await rm(folder, { recursive: true })
    },
  }
}

function testClient(one: RunningFunction): ServedFunction {
  const url = `http://127.0.0.1:${one.port}`
  const post: ServedFunction['post'] = (event, more) => {
    const { headers, body } = eventToHttp(event)
    return request(url, { method: 'POST', headers: { ...headers, ...more }, body })
  }
  return {
    ...one,
    url,
    post,
    async ask(event, more) {
      const { headers, body } = await post(event, more)
      const text = await body.text()
      if (headers['content-type'] !== NDJSON_MEDIA_TYPE) return eventsFromHttp(headers, Buffer.from(text))
      return text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
    },
    async get(path) {
      const { statusCode, body } = await request(url + path)
      return { status: statusCode, body: await body.json() }
    },
  }
}

/** The status of a refusal and the error in its body. */
export async function readError(answered: Promise<Dispatcher.ResponseData> | Dispatcher.ResponseData) {
  const { statusCode, headers, body } = await answered
  const { error } = (await body.json()) as { error: { code: string; message: string } }
  return { status: statusCode, ...error, retryAfter: headers['retry-after'] }
}
