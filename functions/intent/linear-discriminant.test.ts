import { expect, test } from 'vitest'
import { trainDiscriminant } from './linear-discriminant.ts'
import { cholesky, createScatter, solveLower, solveUpper } from './matrix.ts'

const vectorOf = (...values: number[]) => Float32Array.from(values)
/** The same numbers on every run. */
function* pseudoRandomNumbers(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 31 - 1
  }
}

test('a matrix is solved by its two triangles', () => {
  const spread = createScatter(3)
  for (const vector of [vectorOf(1, 2, 0), vectorOf(0, 1, 3), vectorOf(2, 0, 1), vectorOf(1, 1, 1)])
    spread.add(vector)
  const matrix = spread.scaled()
  const solved = solveUpper(cholesky(matrix), solveLower(cholesky(matrix), vectorOf(1, 2, 3)))
  const again = [0, 1, 2].map(i =>
    [0, 1, 2].reduce((sum, j) => sum + matrix[Math.max(i, j)]![Math.min(i, j)]! * solved[j]!, 0),
  )
  for (const [i, value] of again.entries()) expect(value).toBeCloseTo(i + 1, 4)
  expect((matrix[0]![0]! + matrix[1]![1]! + matrix[2]![2]!) / 3).toBeCloseTo(1)
})

test('what translations differ in does not tell classes apart', async () => {
  const random = pseudoRandomNumbers()
  const wobble = () => random.next().value * 0.1
  // Classes differ a little in the first direction, and by chance in the second, which is the language's direction.
  const example = (target: number) =>
    vectorOf((target - 0.5) * 0.4 + wobble(), (target - 0.5) * 0.3 + wobble(), wobble())
  const targets = Array.from({ length: 200 }, (_, i) => i % 2)
  const examples = targets.map(example)
  const apart = Array.from({ length: 50 }, (_, i) =>
    vectorOf(wobble() / 10, i % 2 === 0 ? 1 : -1, wobble() / 10),
  )
  const elsewhere = vectorOf(0.2, -0.6, 0)
  const best = async (pairs: Float32Array[]) => {
    const scores = (await trainDiscriminant(examples, targets, 2, pairs))(elsewhere)
    return scores[1]! > scores[0]! ? 1 : 0
  }
  expect(await best([])).toBe(0)
  expect(await best(apart)).toBe(1)
})

test('a class without examples and examples without spread give numbers', async () => {
  const none = await trainDiscriminant([vectorOf(1, 0), vectorOf(1, 0)], [0, 0], 2, [])
  expect([...none(vectorOf(0, 1))].every(Number.isFinite)).toBe(true)
  const empty = await trainDiscriminant([], [], 1, [])
  expect([...empty(vectorOf())].every(Number.isFinite)).toBe(true)
})
