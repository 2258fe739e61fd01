import { expect, test } from 'vitest'
import { playMemory, readConversations } from '../support/memory-conversations.ts'

/** Measured with words alone, without embeddings and without a model: see docs/understanding.md. */
const LEAST_SAID = 0.85
const LEAST_FOUND = 0.97

test('over a hundred conversations of several sessions: answered from the right memory, and never from another person', async () => {
  const conversations = await readConversations()
  const outcomes = await playMemory(conversations)
  const count = (is: (one: (typeof outcomes)[number]) => boolean) => outcomes.filter(is).length
  const said = count(({ outcome }) => outcome === 'said')
  const given = count(({ outcome }) => outcome === 'given')
  const result = {
    conversations: outcomes.length,
    said,
    given,
    missed: outcomes.filter(({ outcome }) => outcome === 'missed').map(({ question }) => question),
    stale: outcomes.filter(({ saidStale }) => saidStale).map(({ question }) => question),
    leaks: outcomes.filter(({ leaked }) => leaked).map(({ question }) => question),
    survived: outcomes.filter(({ survived }) => survived).map(({ question }) => question),
  }
  process.stderr.write(`memory: ${JSON.stringify(result)}\n`)
  expect(outcomes.length).toBeGreaterThanOrEqual(100)
  expect(result).toMatchObject({ stale: [], leaks: [], survived: [] })
  expect(said / outcomes.length).toBeGreaterThanOrEqual(LEAST_SAID)
  expect((said + given) / outcomes.length).toBeGreaterThanOrEqual(LEAST_FOUND)
})
