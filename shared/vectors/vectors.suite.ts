import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { VectorIndex, Vectors } from './vectors.ts'

export type VectorsUnderTest = { open(): Promise<Vectors>; stop(): Promise<void> }

/** Vectors from a seeded generator (mulberry32), the same in every run. */
export function randomVectors(seed: number) {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return (dimensions: number, around?: Float32Array, spread = 1) =>
    Float32Array.from({ length: dimensions }, (_, n) => (around?.[n] ?? 0) + spread * normal())
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let n = 0; n < a.length; n++) {
    dot += a[n]! * b[n]!
    aa += a[n]! * a[n]!
    bb += b[n]! * b[n]!
  }
  return dot / Math.sqrt(aa * bb)
}

/** The guarantees of the port `Vectors`, for every driver. */
export function vectorsSuite(name: string, start: () => Promise<VectorsUnderTest>): void {
  describe(name, () => {
    const model = { id: 'some/model@1, "passage: "', dimensions: 32 }
    const vector = randomVectors(1)
    let vectorsUnderTest: VectorsUnderTest
    let vectors: Vectors
    let index: VectorIndex
    let count = 0
    let person = ''

    beforeAll(async () => {
      vectorsUnderTest = await start()
      vectors = await vectorsUnderTest.open()
      index = await vectors.index(model)
    })
    afterAll(async () => {
      await vectors?.close()
      await vectorsUnderTest?.stop()
    })
    beforeEach(() => {
      person = `person-${++count}`
    })
    const put = async (id: string, values = vector(32), of = person) => {
      await index.upsert([{ person: of, id, values }])
      return values
    }
    const find = async (values: Float32Array, of = person, limit = 10) =>
      (await index.search({ person: of, values, limit })).map(({ id }) => id)

    test('the nearest come first, with their cosine', async () => {
      const entries = Array.from({ length: 50 }, (_, n) => ({ person, id: `v${n}`, values: vector(32) }))
      await index.upsert(entries)
      const asked = vector(32)
      const found = await index.search({ person, values: asked, limit: 10 })
      const expected = entries
        .map(({ id, values }) => ({ id, score: cosine(values, asked) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 10)
      expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      found.forEach(({ score }, n) => void expect(score).toBeCloseTo(expected[n]!.score, 3))
    })

    test('the length of a vector does not matter', async () => {
      const values = await put('a')
      const [found] = await index.search({ person, values: values.map(value => value * 7), limit: 1 })
      expect(found).toMatchObject({ id: 'a', score: expect.closeTo(1, 4) })
    })

    test('written again under its id, a vector is replaced', async () => {
      await put('a')
      const values = await put('a')
      expect(await index.count(person)).toBe(1)
      expect((await index.search({ person, values, limit: 1 }))[0]!.score).toBeCloseTo(1, 4)
    })

    test("nobody finds another person's vectors, under the same id or not", async () => {
      const mine = await put('a')
      await put('a', vector(32), `${person}-other`)
      await put('b', mine, `${person}-other`)
      expect(await find(mine)).toEqual(['a'])
      expect(await find(mine, `${person}-nobody`)).toEqual([])
      await index.delete(person, ['b'])
      expect(await find(mine, `${person}-other`, 1)).toEqual(['b'])
    })

    test('what is deleted is not found any more, and what is not there is no error', async () => {
      const values = await put('a')
      await put('b', values)
      await index.delete(person, ['a', 'unknown'])
      expect(await find(values)).toEqual(['b'])
      await index.delete(person, [])
      await index.upsert([])
    })

    test('all of a person are read, pages of them, and of nobody else', async () => {
      const entries = Array.from({ length: 1_100 }, (_, n) => ({ person, id: `v${n}`, values: vector(32) }))
      await index.upsert(entries)
      await put('v1', vector(32), `${person}-other`)
      const read = new Map<string, Float32Array>()
      for await (const { id, values } of index.read(person)) read.set(id, values)
      expect([...read.keys()].sort()).toEqual(entries.map(({ id }) => id).sort())
      for (const { id, values } of entries) expect(cosine(read.get(id)!, values)).toBeCloseTo(1, 5)
    })

    test('vectors of another model are apart, and go with it', async () => {
      const newer = { id: 'some/model@2', dimensions: 8 }
      const values = await put('a')
      const other = await vectors.index(newer)
      expect(await other.count()).toBe(0)
      await other.upsert([{ person, id: 'a', values: vector(8) }])
      expect(await vectors.models()).toEqual(expect.arrayContaining([model, newer]))
      expect(await find(values)).toEqual(['a'])
      await vectors.drop(newer)
      await vectors.drop(newer)
      expect(await vectors.models()).toEqual([model])
      expect(await (await vectors.index(newer)).count()).toBe(0)
      await vectors.drop(newer)
    })

    test('a person is forgotten in every model, and nobody else is', async () => {
      const newer = { id: 'some/model@3', dimensions: 8 }
      const values = await put('a')
      await put('a', values, `${person}-other`)
      await (await vectors.index(newer)).upsert([{ person, id: 'b', values: vector(8) }])
      expect(await vectors.erase(person)).toBe(2)
      expect(await vectors.erase(person)).toBe(0)
      expect([await index.count(person), await find(values)]).toEqual([0, []])
      expect(await find(values, `${person}-other`)).toEqual(['a'])
      await vectors.drop(newer)
    })

    test.each([
      ['of another size', new Float32Array(31).fill(1)],
      ['without direction', new Float32Array(32)],
      ['with a number that is none', new Float32Array(32).fill(Number.NaN)],
      ['that is endless', new Float32Array(32).fill(Number.POSITIVE_INFINITY)],
    ])('a vector %s is refused, and all that came with it', async (_, values) => {
      const wrong = { person, id: 'wrong', values }
      const mixed = index.upsert([{ person, id: 'sound', values: vector(32) }, wrong])
      await expect(mixed).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(index.search({ person, values, limit: 1 })).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(await index.count(person)).toBe(0)
    })

    test.each(['a\0b', "'; DROP TABLE vectors; --", '我的密码', 'שלום', '👩‍👩‍👧', '*', 'x'.repeat(2_000)])(
      'ids and people may be any text: %j',
      async text => {
        const values = await put(text, vector(32), text)
        expect(await find(values, text)).toEqual([text])
        await vectors.erase(text)
        expect(await find(values, text)).toEqual([])
      },
    )

    test('all is there for whoever opens it next, and two may write at once', async () => {
      const values = await put('a')
      const other = await vectorsUnderTest.open()
      const there = await other.index(model)
      expect((await there.search({ person, values, limit: 1 }))[0]!.id).toBe('a')
      const many = (by: VectorIndex, prefix: string) =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            by.upsert([{ person, id: `${prefix}${n}`, values: vector(32) }]),
          ),
        )
      await Promise.all([many(index, 'x'), many(there, 'y')])
      expect([await index.count(person), await there.count(person)]).toEqual([41, 41])
      await other.close()
    })

    test('a store that can be used says so', async () => {
      await vectors.check()
    })
  })
}
