import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { GenerateChunk } from '#shared/models/models.ts'
import { coalesce } from './coalesce.ts'

const text = (said: string): GenerateChunk => ({ kind: 'text', text: said })
const end: GenerateChunk = {
  kind: 'end',
  finishReason: 'stop',
  usage: { inputTokens: 1, outputTokens: 1 },
  model: 'm',
}

async function* chunksOf(...chunks: GenerateChunk[]) {
  yield* chunks
}

async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<GenerateChunk[]> {
  const collected: GenerateChunk[] = []
  for await (const chunk of chunks) collected.push(chunk)
  return collected
}

test('the first piece passes at once, and what follows closely goes together', async () => {
  const chunks = coalesce(chunksOf(text('a'), text('b'), text('c'), end), 1_000)
  expect(await collect(chunks)).toEqual([text('a'), text('bc'), end])
})

test('a piece that is held passes when its time has come, though the model says nothing more', async () => {
  const said = Promise.withResolvers<void>()
  async function* slowly() {
    yield text('a')
    yield text('b')
    await said.promise
    yield end
  }
  const reader = coalesce(slowly(), 20)
  expect((await reader.next()).value).toEqual(text('a'))
  expect((await reader.next()).value).toEqual(text('b'))
  said.resolve()
  expect((await reader.next()).value).toEqual(end)
})

test('space before the first word waits for it, and space alone is nothing', async () => {
  expect(await collect(coalesce(chunksOf(text('\n'), text(' '), text('hi'), end), 1_000))).toEqual([
    text('\n hi'),
    end,
  ])
  expect(await collect(coalesce(chunksOf(text(' \n'), end), 1_000))).toEqual([end])
})

test('a tool call does not overtake the text before it', async () => {
  const call: GenerateChunk = { kind: 'tool-call', call: { id: 'c', name: 'time', arguments: {} } }
  expect(await collect(coalesce(chunksOf(text('a'), text('b'), call, end), 1_000))).toEqual([
    text('a'),
    text('b'),
    call,
    end,
  ])
})

test('a failure comes after what was said before it', async () => {
  async function* failing() {
    yield text('a')
    throw new Error('gone')
  }
  const reader = coalesce(failing(), 1_000)
  expect((await reader.next()).value).toEqual(text('a'))
  await expect(reader.next()).rejects.toThrow('gone')
})

test('who stops reading does not wait for a model that says nothing', async () => {
  let isReturned = false
  async function* silent() {
    try {
      yield text('a')
      await wait(60_000, undefined, { ref: false })
    } finally {
      isReturned = true
    }
  }
  const reader = coalesce(silent(), 20)
  await reader.next()
  await reader.return()
  expect(isReturned).toBe(false)
})
