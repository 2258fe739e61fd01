import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Records, Store } from './store.ts'

export function recordsSuite(store: () => Store): void {
  describe('documents', () => {
    let records: Records
    let collection = ''
    let count = 0

    beforeEach(() => {
      records = store().records
      collection = `notes-${++count}`
    })

    const put = (id: string, text: string, person = 'owner', createdAt = '2026-05-01T12:00:00.000Z') =>
      records.put(collection, { id, person, text, body: { id }, createdAt })
    const find = async (query: string, person = 'owner') =>
      (await records.search({ collection, person, query, limit: 10 })).map(({ id }) => id)

    test('a document comes back as it was put; put again it is replaced and keeps its age', async () => {
      const document = {
        id: 'a',
        person: 'owner',
        text: 'tea',
        body: { deep: [null, '茶'] },
        createdAt: '2026-01-01',
      }
      await records.put(collection, document)
      const key = { collection, person: 'owner', id: 'a' }
      expect(await records.get(key)).toEqual(document)
      await records.put(collection, { ...document, text: 'coffee', body: 1, createdAt: '2027-01-01' })
      expect(await records.get(key)).toEqual({ ...document, text: 'coffee', body: 1 })
      expect([await find('tea'), await find('coffee')]).toEqual([[], ['a']])
    })

    test('an insert writes only what is not there', async () => {
      const document = { id: 'a', person: 'owner', text: 'first', body: 1, createdAt: '2026-01-01' }
      const texts = ['first', 'second']
      const written = await Promise.all(texts.map(text => records.insert(collection, { ...document, text })))
      expect(written.filter(Boolean)).toEqual([true])
      expect(await Promise.all(texts.map(async text => (await find(text)).length > 0))).toEqual(written)
    })

    test('what is deleted is not found any more, and is deleted once', async () => {
      await put('a', 'bicycle lock')
      const key = { collection, person: 'owner', id: 'a' }
      expect([await records.delete(key), await records.delete(key)]).toEqual([true, false])
      expect([await records.get(key), await find('bicycle')]).toEqual([undefined, []])
    })

    test('the newest come first in a list', async () => {
      await put('old', 'x', 'owner', '2026-01-01')
      await put('new', 'x', 'owner', '2026-03-01')
      await put('same', 'x', 'owner', '2026-03-01')
      const list = await records.list({ collection, person: 'owner', limit: 2 })
      expect(list.map(({ id }) => id)).toEqual(['same', 'new'])
    })

    test("a person's documents of a collection are counted", async () => {
      const count = (person: string) => records.count({ collection, person })
      expect(await count('owner')).toBe(0)
      for (const id of ['a', 'b', 'b']) await put(id, 'x')
      await put('a', 'x', 'alice')
      await records.put(`${collection}-other`, {
        id: 'c',
        person: 'owner',
        text: '',
        body: 1,
        createdAt: '2026-01-01',
      })
      expect([await count('owner'), await count('alice'), await count('bob')]).toEqual([2, 1, 0])
      await records.delete({ collection, person: 'owner', id: 'a' })
      expect(await count('owner')).toBe(1)
    })

    test("nobody sees another person's documents, nor another collection's", async () => {
      await put('a', 'the secret is tea', 'alice')
      const elsewhere = { collection: `${collection}-x`, person: 'alice' }
      expect([await find('secret', 'bob'), await find('secret', '')]).toEqual([[], []])
      expect(await records.get({ ...elsewhere, id: 'a' })).toBeUndefined()
      expect(await records.list({ ...elsewhere, limit: 10 })).toEqual([])
      expect(await records.search({ ...elsewhere, query: 'secret', limit: 10 })).toEqual([])
      expect(await records.delete({ collection, person: 'bob', id: 'a' })).toBe(false)
    })

    test('those that share more and rarer words with the question come first, with a score above 0', async () => {
      await put('both', 'the code of my bicycle lock is 4711')
      await put('one', 'my bicycle is blue and my house is red')
      await put('none', 'tea at five')
      const found = await records.search({
        collection,
        person: 'owner',
        query: 'What is my bicycle lock code?',
        limit: 10,
      })
      expect(found.map(({ id }) => id)).toEqual(['both', 'one'])
      expect(found[0]!.score).toBeGreaterThan(found[1]!.score)
      expect(found[1]!.score).toBeGreaterThan(0)
    })

    test('words are found in their other forms, whatever their case, accents and width', async () => {
      await put('a', 'Running to the CAFÉ, ＡＢＣ１２３')
      for (const query of ['run', 'cafe', 'café', 'abc123', 'ＡＢＣ１２３'])
        expect(await find(query)).toEqual(['a'])
    })

    test('Chinese and Japanese are found by character, in any sentence', async () => {
      await put('lock', '我的自行车锁密码是4711')
      await put('tea', '妈妈喜欢喝绿茶')
      await put('kana', 'お茶をください')
      await put('rare', '𠮷野家の牛丼')
      expect((await find('自行车的密码是多少？'))[0]).toBe('lock')
      expect((await find('绿茶'))[0]).toBe('tea')
      expect(await find('ください')).toEqual(['kana'])
      expect(await find('𠮷')).toEqual(['rare'])
      expect(await find('4711')).toEqual(['lock'])
    })

    test('words of scripts with marks are found as words', async () => {
      await put('a', 'हिन्दी में लिखो')
      expect(await find('हिन्दी')).toEqual(['a'])
    })

    test.each([
      '',
      '   ',
      '?!',
      '"',
      '"tea',
      "'tea'",
      'tea AND',
      'NOT tea',
      'NEAR(tea, 5)',
      'tea*',
      '^tea',
      'words : tea',
      '{tea} - coffee',
      'tea) OR (1',
      '-tea',
      '\0tea',
      '\ud800tea',
      "tea'; DROP TABLE documents; --",
      '%',
    ])('a hostile question is only words: %j', async query => {
      await put('a', 'tea')
      const found = await find(query)
      expect(found).toEqual(/tea/.test(query) ? ['a'] : [])
    })

    test('any question and any text are taken, and a text is found by itself', async () => {
      const text = fc.string({ unit: 'binary', maxLength: 60 })
      await fc.assert(
        fc.asyncProperty(text, text, async (storedText, question) => {
          await put('any', storedText)
          await find(question)
          expect((await records.get({ collection, person: 'owner', id: 'any' }))?.text).toBe(storedText)
          if (/[a-z]/i.test(storedText)) expect(await find(storedText)).toEqual(['any'])
        }),
        { numRuns: 150 },
      )
    })

    test('a very long question is answered', async () => {
      await put('a', 'tea')
      expect(await find(`tea ${Array.from({ length: 20_000 }, (_, n) => `word${n}`).join(' ')}`)).toEqual([
        'a',
      ])
    })
  })
}
