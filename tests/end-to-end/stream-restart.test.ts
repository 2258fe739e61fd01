import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

const WAIT_TIMEOUT_MS = 45_000
const ANSWER_WORDS = Array.from({ length: 24 }, (_, n) => `word${n}`).join(' ')
const ANSWER = `echo: ${ANSWER_WORDS}`

let port: number
let model: ModelServer
let instance: LaresInstance

const startModel = () => startModelServer({ port, tokenDelayMs: 60 })

beforeAll(async () => {
  port = await freePort()
  model = await startModel()
  instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
}, 90_000)
afterAll(async () => {
  await instance.stop()
  await model.close()
})

/** The model's server dies as soon as a part of its answer has arrived, and comes back. */
async function restartModelMidAnswer(heard: () => boolean): Promise<void> {
  await until(heard, WAIT_TIMEOUT_MS)
  await model.close()
  model = await startModel()
}

test('a person who watches sees one answer, begun anew where the model died in the middle of it', async () => {
  const opened = await instance.request('/api/messages', {
    method: 'POST',
    body: JSON.stringify({ conversation: 'watched', text: 'what time is it in Tokyo?' }),
  })
  expect(opened.status).toBe(202)
  let text = ''
  let restarts = 0
  const replies: string[] = []
  const stop = new AbortController()
  const events = await instance.request('/api/conversations/watched/events?from=start', {
    signal: stop.signal,
  })
  const parser = createParser({
    onEvent({ event, data }) {
      const told = JSON.parse(data) as { offset: number; text: string; role?: string }
      if (event === 'message' && told.role === 'assistant') replies.push(told.text)
      if (event !== 'stream') return
      expect(told.offset).toBeLessThanOrEqual(text.length)
      if (told.offset < text.length) restarts++
      text = text.slice(0, told.offset) + told.text
    },
  })
  const listening = (async () => {
    for await (const bytes of events.body!.pipeThrough(new TextDecoderStream())) parser.feed(bytes)
  })().catch(() => undefined)
  await until(() => replies.length === 1, WAIT_TIMEOUT_MS)
  await instance.request('/api/messages', {
    method: 'POST',
    body: JSON.stringify({ conversation: 'watched', text: ANSWER_WORDS }),
  })
  await restartModelMidAnswer(() => text.includes('word3'))
  await until(() => replies.length === 2, WAIT_TIMEOUT_MS)
  expect(replies[1]).toBe(ANSWER)
  expect(text).toBe(ANSWER)
  expect(restarts).toBe(1)
  stop.abort()
  await listening
}, 120_000)

test('a client of the OpenAI API gets the one answer, nothing twice', async () => {
  const response = await instance.request('/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: ANSWER_WORDS }], stream: true }),
  })
  let text = ''
  let isDone = false
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') isDone = true
      else
        text +=
          (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? ''
    },
  })
  const reading = (async () => {
    for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) parser.feed(bytes)
  })()
  await restartModelMidAnswer(() => text.includes('word3'))
  await reading
  expect(text).toBe(ANSWER)
  expect(isDone).toBe(true)
}, 120_000)
