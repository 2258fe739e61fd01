import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LaresError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import {
  type FunctionTestBed,
  openFunctionTestBed,
  parrotFunction,
  resultDraft,
  skillRequestEvent,
} from '../contract/serve.fixture.ts'
import { serve } from '../contract/serve.ts'
import type { GenerateChunk, Models } from '../models/models.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { meteredFunction } from './metered-function.ts'
import { meteredModels } from './metered-models.ts'
import { meteredStore } from './metered-store.ts'
import { type Metrics, openMetrics } from './metrics.ts'

let metrics: Metrics
let testBed: FunctionTestBed

beforeEach(async () => {
  metrics = openMetrics()
  testBed = await openFunctionTestBed()
})
afterEach(() => testBed.close())

async function consumeAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const lines = async () => (await metrics.page()).split('\n')

test('an event that dialog’s journal knows is counted as dropped', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-metered-'))
  const store = meteredStore(openSqliteStore(join(home, 'c.db')), metrics)
  const step = (eventId: string) =>
    store.step({
      conversation: 'c',
      person: 'owner',
      eventId,
      apply: () => ({ state: {}, messages: [], outcome: eventId }),
    })
  for (const eventId of ['e1', 'e2', 'e1', 'e1']) expect(await step(eventId)).toBe(eventId)
  expect(await lines()).toContain('lares_duplicates_total{place="dialog"} 2')
  await store.close()
  await rm(home, { recursive: true })
})

test('a function’s invocations are measured, and its errors and timeouts counted', async () => {
  const busy = parrotFunction(
    async event => {
      if (event.id === 'bad') throw new LaresError('rejected', 'no')
      if (event.id === 'slow') await new Promise(() => undefined)
      return resultDraft('hello')
    },
    { timeoutMs: 20 },
  )
  const metered = meteredFunction(testBed.invocable(busy), metrics)
  for (const id of ['good', 'bad', 'slow'])
    await consumeAll(metered.invoke(skillRequestEvent('hello', { id }))).catch(() => undefined)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'faas_invoke_duration_seconds_count{faas_name="parrot",faas_trigger="pubsub"} 3',
      'faas_errors_total{faas_name="parrot",error_type="rejected"} 1',
      'faas_errors_total{faas_name="parrot",error_type="deadline_exceeded"} 1',
      'faas_timeouts_total{faas_name="parrot"} 1',
      'lares_function_running{faas_name="parrot"} 0',
    ]),
  )
})

test('a served function gives its page at /_/metrics', async () => {
  const metered = meteredFunction(testBed.invocable(parrotFunction(() => resultDraft('hello'))), metrics)
  const running = await serve(metered, { port: 0, log: silentLogger, metrics })
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${running.port}/_/metrics`)
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  const page = await body.text()
  expect(page).toContain('lares_function_running{faas_name="parrot"} 0')
  expect(page).toContain('process_resident_memory_bytes')
  await running.drain()
})

const models = (chunks: (GenerateChunk | Error)[]): Pick<Models, 'generate'> => ({
  async *generate() {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk
      yield chunk
    }
  },
})

test('answers of a model are measured with their tokens, and those that fail or are cut off too', async () => {
  const text = { kind: 'text', text: 'hi' } as const
  const usage = { inputTokens: 24, outputTokens: 3 }
  const end = { kind: 'end', finishReason: 'stop', usage, model: 'small' } as const
  const ask = (chunks: (GenerateChunk | Error)[]) =>
    meteredModels(models(chunks), 'llama', metrics).generate('text-generation', { messages: [] })
  await consumeAll(ask([text, end]))
  await consumeAll(ask([new LaresError('unavailable', 'away')])).catch(() => undefined)
  for await (const _ of ask([text, text, end])) break
  const common = 'gen_ai_operation_name="chat",gen_ai_provider_name="llama"'
  expect(await lines()).toEqual(
    expect.arrayContaining([
      `gen_ai_client_operation_duration_seconds_count{${common},gen_ai_response_model="small",error_type=""} 1`,
      `gen_ai_client_operation_duration_seconds_count{${common},gen_ai_response_model="",error_type="unavailable"} 1`,
      `gen_ai_client_operation_duration_seconds_count{${common},gen_ai_response_model="",error_type="cancelled"} 1`,
      `gen_ai_client_operation_time_to_first_chunk_seconds_count{${common}} 2`,
      `gen_ai_client_token_usage_sum{${common},gen_ai_response_model="small",gen_ai_token_type="input"} 24`,
      `gen_ai_client_token_usage_sum{${common},gen_ai_response_model="small",gen_ai_token_type="output"} 3`,
    ]),
  )
})
