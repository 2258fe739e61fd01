import { expect, test } from 'vitest'
import type { StoredMemory } from '#shared/knowledge/memories.ts'
import { fuseRankings } from './store.ts'

const memory = (id: string, day: number, more: Partial<StoredMemory> = {}): StoredMemory => ({
  id,
  text: `text of ${id}`,
  subject: id,
  saidAt: new Date(Date.UTC(2026, 4, day)).toISOString(),
  score: 0,
  sources: [],
  ...more,
})
const idsOf = (found: StoredMemory[]) => found.map(({ id }) => id)

test('what words and meaning both find comes first, whatever its age', () => {
  const [old, middle, young] = [memory('old', 1, { score: 9 }), memory('middle', 10), memory('young', 20)]
  const found = fuseRankings([old, middle], [{ ...old, score: 0 }, young])
  expect(idsOf(found)).toEqual(['old', 'young', 'middle'])
  expect(found[0]!.score).toBe(9)
})

test('of what fits about as well the newer comes first', () => {
  const all = [memory('a', 3), memory('b', 4), memory('c', 1)]
  expect(idsOf(fuseRankings(all, []))).toEqual(['b', 'a', 'c'])
})

test('age alone does not bring what fits badly to the front', () => {
  const words = Array.from({ length: 6 }, (_, rank) => memory(`word ${rank}`, 20 - rank))
  const late = memory('late', 28)
  expect(idsOf(fuseRankings(words, [words[0]!, words[1]!, late])).indexOf('late')).toBeGreaterThan(0)
})

test('of those about the same subject only the newest is left', () => {
  const [before, now] = [memory('before', 1, { subject: 's' }), memory('now', 2, { subject: 's' })]
  expect(idsOf(fuseRankings([before], [now]))).toEqual(['now'])
})
