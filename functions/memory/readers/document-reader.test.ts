import { expect, test } from 'vitest'
import { openDocumentReader, type ReadRequest } from './document-reader.ts'
import { openFairQueue } from './fair-queue.ts'

/** A Markdown parser does not finish this text: its thread works until its time is over. */
const HOSTILE = `${'> '.repeat(400_000)}x`
const request = (person: string, text: string, leftMs: number): ReadRequest => ({
  bytes: Buffer.from(text),
  kind: 'markdown',
  person,
  budget: { leftMs },
  signal: new AbortController().signal,
})

test("a hostile document delays no other person's document", async () => {
  const reader = openDocumentReader()
  const finished: string[] = []
  const hostile = reader.read(request('mallory', HOSTILE, 6_000)).finally(() => finished.push('mallory'))
  const harmless = reader
    .read(request('bob', '# Boiler\n\nThe code is 7788.', 3_000))
    .finally(() => finished.push('bob'))
  expect(await harmless).toMatchObject({ count: 1 })
  expect(finished).toEqual(['bob'])
  expect(await hostile).toMatchObject({ problem: 'too-large' })
}, 20_000)

test('the time of a document counts from the start of its reading', async () => {
  const reader = openDocumentReader({ threads: 1 })
  const hostile = reader.read(request('mallory', HOSTILE, 3_500))
  const waiting = request('bob', 'The code is 7788.', 3_000)
  expect(await reader.read(waiting)).toMatchObject({ count: 1 })
  expect(waiting.budget.leftMs).toBeGreaterThan(0)
  expect(await hostile).toMatchObject({ problem: 'too-large' })
}, 20_000)

/** Tasks that the test ends, in the order in which they were started. */
function openWork(options: { limit: number; maxWaitMs?: number }) {
  const queue = openFairQueue({ maxWaitMs: 60_000, ...options })
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const add = (key: string, name: string, signal = new AbortController().signal) =>
    queue.run(key, signal, async () => {
      started.push(name)
      await new Promise<void>(resolve => ends.set(name, resolve))
      return name
    })
  return { started, add, end: (name: string) => ends.get(name)!() }
}

test('persons take turns, and the documents of one are read in order', async () => {
  const { started, add, end } = openWork({ limit: 1 })
  const all = [add('ann', 'a1'), add('ann', 'a2'), add('ann', 'a3'), add('bob', 'b1'), add('cleo', 'c1')]
  for (const name of ['a1', 'b1', 'c1', 'a2', 'a3']) {
    await expect.poll(() => started.at(-1)).toBe(name)
    end(name)
  }
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1'])
})

test('one person never has two documents read at once', async () => {
  const { started, add, end } = openWork({ limit: 2 })
  const all = [add('ann', 'a1'), add('ann', 'a2'), add('bob', 'b1')]
  await expect.poll(() => started).toEqual(['a1', 'b1'])
  end('b1')
  await all[2]
  expect(started).toEqual(['a1', 'b1'])
  end('a1')
  await expect.poll(() => started).toEqual(['a1', 'b1', 'a2'])
  end('a2')
  await Promise.all(all)
})

test('a document whose turn does not come is to be tried again, and one that is aborted leaves the queue', async () => {
  const { started, add, end } = openWork({ limit: 1, maxWaitMs: 20 })
  const first = add('ann', 'a1')
  const caller = new AbortController()
  const aborted = add('bob', 'b1', caller.signal)
  caller.abort(new Error('gone'))
  await expect(aborted).rejects.toThrow()
  await expect(add('cleo', 'c1')).rejects.toMatchObject({ code: 'busy', retryable: true })
  end('a1')
  expect(await first).toBe('a1')
  expect(started).toEqual(['a1'])
})
