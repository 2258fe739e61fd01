import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openKeyedExecutor, type Task, type TaskOutcome } from './keyed-executor.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Creates tasks that record when they run and end when the test tells them to. */
function openTaskRecorder() {
  const started: string[] = []
  const resolvers = new Map<string, (outcome: TaskOutcome) => void>()
  return {
    lines: started,
    task:
      (name: string): Task =>
      () => {
        started.push(name)
        return new Promise(resolve => resolvers.set(name, resolve))
      },
    async end(name: string, outcome: TaskOutcome = 'done') {
      resolvers.get(name)!(outcome)
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

test('tasks of one key run one after the other, of different keys at once', async () => {
  const executor = openKeyedExecutor(10)
  const book = openTaskRecorder()
  for (const name of ['a1', 'a2', 'b1', 'a3']) executor.add(name[0]!, book.task(name))
  expect(book.lines).toEqual(['a1', 'b1'])
  await book.end('a1')
  await book.end('a2')
  await book.end('b1')
  expect(book.lines).toEqual(['a1', 'b1', 'a2', 'a3'])
})

test('no more run at once than the limit, which may change, and keys take turns', async () => {
  const executor = openKeyedExecutor(1)
  const book = openTaskRecorder()
  for (const name of ['a1', 'a2', 'b1', 'c1']) executor.add(name[0]!, book.task(name))
  expect(book.lines).toEqual(['a1'])
  await book.end('a1')
  await book.end('b1')
  expect(book.lines).toEqual(['a1', 'b1', 'c1'])
  executor.setConcurrency(2)
  expect(book.lines).toEqual(['a1', 'b1', 'c1', 'a2'])
})

test('a task that waits for its next try holds its key and takes no place', async () => {
  const executor = openKeyedExecutor(1)
  const book = openTaskRecorder()
  for (const name of ['a1', 'a2', 'b1']) executor.add(name[0]!, book.task(name))
  await book.end('a1', { retryInMs: 1_000 })
  await book.end('b1')
  await vi.advanceTimersByTimeAsync(999)
  expect(book.lines).toEqual(['a1', 'b1'])
  await vi.advanceTimersByTimeAsync(1)
  await book.end('a1')
  expect(book.lines).toEqual(['a1', 'b1', 'a1', 'a2'])
})

test('a close waits for what runs, and nothing starts afterwards', async () => {
  const executor = openKeyedExecutor(2)
  const book = openTaskRecorder()
  for (const name of ['a1', 'a2', 'b1', 'b2', 'c1']) executor.add(name[0]!, book.task(name))
  await book.end('b1', { retryInMs: 10 })
  const closed = vi.fn()
  const closing = executor.close().then(closed)
  executor.add('d', book.task('d1'))
  await book.end('a1', { retryInMs: 10 })
  expect(closed).not.toHaveBeenCalled()
  await book.end('c1')
  await closing
  await vi.advanceTimersByTimeAsync(60_000)
  expect(book.lines).toEqual(['a1', 'b1', 'c1'])
})

test('a close with nothing running ends at once', async () => {
  await openKeyedExecutor(1).close()
})

test('a key with many tasks rests between them, in order; one with few does not', async () => {
  const executor = openKeyedExecutor(10)
  const lines: string[] = []
  const task =
    (name: string): Task =>
    async () => {
      lines.push(name)
      await new Promise(resolve => setTimeout(resolve, 10))
      return 'done'
    }
  for (let at = 1; at <= 8; at++) executor.add('flood', task(`flood ${at}`))
  for (let at = 1; at <= 3; at++) executor.add('other', task(`other ${at}`))
  await vi.advanceTimersByTimeAsync(31)
  expect(lines).toEqual(['flood 1', 'other 1', 'other 2', 'other 3'])
  // 10 ms of work and 40 ms of pause, until five tasks are left.
  await vi.advanceTimersByTimeAsync(3 * 50 + 5 * 10 - 31)
  expect(lines.slice(4)).toEqual([2, 3, 4, 5, 6, 7, 8].map(at => `flood ${at}`))
  expect(executor.pendingCount('flood')).toBe(0)
})
