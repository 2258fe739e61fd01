import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMessages } from './inject.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-inject-'))
  file = join(folder, 'messages')
})
afterEach(() => rm(folder, { recursive: true }))

const readLines = async (text: string, conversation?: string) => {
  await writeFile(file, text)
  return await collect(readMessages(file, conversation))
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

test('lines of JSON are messages with all that they say', async () => {
  const text =
    '{"conversation":"a","text":"hello"}\n\n{"conversation":"b","text":"you","atMs":500,"key":"k"}\r\n'
  expect(await readLines(text)).toEqual([
    { conversation: 'a', text: 'hello' },
    { conversation: 'b', text: 'you', atMs: 500, key: 'k' },
  ])
})

test('lines of plain text are a conversation each, or one that is named', async () => {
  const [first, second] = await readLines('hello\nyou\n')
  expect(first).toMatchObject({ text: 'hello' })
  expect(second!.conversation).not.toBe(first!.conversation)
  expect(await readLines('hello\nyou', 'room')).toEqual([
    { conversation: 'room', text: 'hello' },
    { conversation: 'room', text: 'you' },
  ])
})

test('a line that is neither is told by its number', async () => {
  await expect(readLines('hello\n{"conversation":"a"}\n')).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(/messages, line 2 is no .*text/s),
  })
  await expect(readLines('{nonsense\n')).rejects.toMatchObject({ message: expect.stringContaining('line 1') })
})

test('a file that is not there is told', async () => {
  await expect(collect(readMessages(join(folder, 'nothing'), undefined))).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('nothing cannot be read'),
  })
})
