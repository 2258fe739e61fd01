import { expect, test } from 'vitest'
import { playMemory, readConversations, summaryOf } from '../support/stores/memory-conversations.ts'

/** Measured with words alone, without embeddings and without a model: see docs/understanding.md. */
const LEAST_SAID = 0.85
const LEAST_FOUND = 0.97

test('over a hundred conversations of several sessions: answered from the right memory, and never from another person', async () => {
  const result = summaryOf(await playMemory(await readConversations()))
  process.stderr.write(`memory: ${JSON.stringify(result)}\n`)
  expect(result.conversations).toBeGreaterThanOrEqual(100)
  expect(result).toMatchObject({ stale: [], leaks: [], survived: [] })
  const { conversations, said, given } = result
  expect(said / conversations).toBeGreaterThanOrEqual(LEAST_SAID)
  expect((said + given) / conversations).toBeGreaterThanOrEqual(LEAST_FOUND)
})
