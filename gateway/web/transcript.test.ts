import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from './api.js'
import { createTranscript } from './transcript.js'

let clock = 0
const tick = () => {
  clock += 1000
  return new Date(clock).toISOString()
}
const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  role: 'user',
  text: id,
  inReplyTo: null,
  createdAt: tick(),
  status: 'answered',
  ...more,
})
const replyTo = (message: string, text: string): Row =>
  row(`r-${message}`, { role: 'assistant', inReplyTo: message, text, status: 'completed' })
const texts = (transcript: ReturnType<typeof createTranscript>) =>
  transcript.items([]).map(({ text }) => text)

describe('a transcript', () => {
  it('lets the reply take the place of the text that was streaming', () => {
    const transcript = createTranscript()
    transcript.addRow(row('q', { status: 'answering' }))
    transcript.addChunk({ message: 'q', offset: 0, text: 'Hel' })
    const before = transcript.items([])
    transcript.addRow(replyTo('q', 'Hello'))
    const after = transcript.items([])
    expect([before[1]!.text, after[1]!.text]).toEqual(['Hel', 'Hello'])
    expect(after[1]!.key).toBe(before[1]!.key)
  })

  it('names the files of a message as it was sent, and as the history has it', () => {
    const transcript = createTranscript()
    transcript.addRow(
      row('old', { attachments: [{ name: 'lease.pdf', mediaType: 'application/pdf', bytes: 9 }] }),
    )
    transcript.addRow(row('sent'), { key: 'k', files: ['note.txt'] })
    transcript.addRow(row('plain'))
    expect(transcript.items([]).map(({ files }) => files)).toEqual([['lease.pdf'], ['note.txt'], undefined])
  })

  it('begins a text anew where a chunk comes at an earlier offset', () => {
    const transcript = createTranscript()
    transcript.addRow(row('q', { status: 'answering' }))
    transcript.addChunk({ message: 'q', offset: 0, text: 'wrong words' })
    transcript.addChunk({ message: 'q', offset: 6, text: 'start' })
    expect(texts(transcript)).toEqual(['q', 'wrong start'])
  })

  it('is the same in whatever order, and however often, its rows come', () => {
    const rows = [
      row('a', { status: 'queued' }),
      row('b', { status: 'queued' }),
      replyTo('a', 'to a'),
      replyTo('b', 'to b'),
    ]
    const late = rows.slice(0, 2).map(one => ({ ...one, status: 'answered' as const }))
    const expected = ['a', 'b', 'to a', 'to b']
    fc.assert(
      fc.property(fc.shuffledSubarray([...rows, ...late, ...rows], { minLength: 10 }), order => {
        const transcript = createTranscript()
        for (const one of order) transcript.addRow(one)
        expect(texts(transcript)).toEqual(expected)
        expect(
          transcript
            .items([])
            .map(({ state }) => state)
            .slice(0, 2),
        ).toEqual(['answered', 'answered'])
      }),
    )
  })

  it('quotes the question of an answer that does not follow it', () => {
    const transcript = createTranscript()
    for (const one of [row('first'), row('second'), replyTo('first', '1'), replyTo('second', '2')])
      transcript.addRow(one)
    expect(transcript.items([]).map(({ quote }) => quote)).toEqual([undefined, undefined, 'first', undefined])
  })

  it('shows what waits to be sent at its end, and keeps its place when it was taken', () => {
    const transcript = createTranscript()
    const pending = { key: 'k', conversation: 'c', text: 'new', createdAt: '' }
    transcript.addRow(row('old'))
    expect(transcript.items([pending]).at(-1)).toMatchObject({ key: 'k', state: 'sending' })
    transcript.addRow(row('id', { text: 'new', status: 'queued' }), { key: 'k' })
    expect(transcript.items([]).at(-1)).toMatchObject({ key: 'k', state: 'queued' })
  })

  it('goes on showing the files of a message when the history, which has none, brings it too', () => {
    const transcript = createTranscript()
    const files = ['lease.pdf']
    const pending = { key: 'k', conversation: 'c', text: '', createdAt: '', files }
    expect(transcript.items([pending]).at(-1)).toMatchObject({ files, state: 'sending' })
    const taken = row('id', { text: '', status: 'queued' })
    transcript.addRow(taken, { key: 'k', files })
    transcript.addRow({ ...taken, status: 'answered' })
    expect(transcript.items([]).at(-1)).toMatchObject({ files, state: 'answered' })
  })
})
