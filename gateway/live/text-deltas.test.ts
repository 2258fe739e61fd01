import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openDeltas } from './text-deltas.ts'

describe('deltas', () => {
  it('are the text as it grows', () => {
    const deltas = openDeltas()
    expect([deltas.add({ offset: 0, text: 'a' }), deltas.add({ offset: 1, text: 'bc' })]).toEqual(['a', 'bc'])
    expect(deltas.finish('abcd')).toBe('d')
  })

  it('send nothing twice when the text begins anew and says the same', () => {
    const deltas = openDeltas()
    deltas.add({ offset: 0, text: 'hello wor' })
    expect(deltas.add({ offset: 0, text: 'hello' })).toBe('')
    expect(deltas.add({ offset: 5, text: ' world' })).toBe('ld')
    expect(deltas.finish('hello world')).toBe('')
  })

  it('stop where the text begins anew and says something else', () => {
    const deltas = openDeltas()
    deltas.add({ offset: 0, text: 'hello' })
    expect(deltas.add({ offset: 0, text: 'good morning' })).toBe('')
    expect(deltas.finish('good morning')).toBeUndefined()
  })

  it('whatever the chunks were: what is sent is the whole text, or a part of it and an error', () => {
    const word = fc.string({ maxLength: 6 })
    const chunk = fc.record({ offset: fc.nat(12), text: word })
    fc.assert(
      fc.property(fc.array(chunk), fc.string({ maxLength: 20 }), (chunks, whole) => {
        const deltas = openDeltas()
        const sent = chunks.map(deltas.add).join('')
        const rest = deltas.finish(whole)
        if (rest === undefined) expect(whole.startsWith(sent)).toBe(false)
        else expect(sent + rest).toBe(whole)
      }),
    )
  })

  it('of tries that all say the same, cut anywhere, are that text once', () => {
    const text = 'the same answer every time'
    const tries = fc.array(fc.tuple(fc.nat(text.length), fc.integer({ min: 1, max: 9 })))
    fc.assert(
      fc.property(tries, cuts => {
        const deltas = openDeltas()
        let sent = ''
        for (const [length, step] of cuts)
          for (let offset = 0; offset < length; offset += step)
            sent += deltas.add({ offset, text: text.slice(offset, offset + step) })
        expect(sent + deltas.finish(text)).toBe(text)
      }),
    )
  })
})
