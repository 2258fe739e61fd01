import { expect, test } from 'vitest'
import { readMemoryCases, runMemoryCases, summarise } from '../support/stores/memory-conversations.ts'

/** Measured with words alone, without embeddings and without a model: see docs/understanding.md. */
const MIN_SAID_RATIO = 0.85
const MIN_FOUND_RATIO = 0.97

test('over a hundred conversations of several sessions: answered from the right memory, and never from another person', async () => {
  const result = summarise(await runMemoryCases(await readMemoryCases()))
  process.stderr.write(`memory: ${JSON.stringify(result)}\n`)
  expect(result.conversations).toBeGreaterThanOrEqual(100)
  expect(result).toMatchObject({ stale: [], leaks: [], survived: [] })
  const { conversations, said, given } = result
  expect(said / conversations).toBeGreaterThanOrEqual(MIN_SAID_RATIO)
  expect((said + given) / conversations).toBeGreaterThanOrEqual(MIN_FOUND_RATIO)
})
