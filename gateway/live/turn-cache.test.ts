import { describe, expect, it } from 'vitest'
import { NO_USAGE } from './live-updates.ts'
import { createTurnCache } from './turn-cache.ts'

const stream = (message: string, offset: number, text: string) =>
  ({ kind: 'stream', message, offset, text }) as const
const stage = (message: string, name: 'understanding' | 'thinking') =>
  ({ kind: 'stage', message, stage: name }) as const
const reply = (message: string, answers = [message]) =>
  ({ kind: 'reply', message, answers, inReplyTo: message, usage: NO_USAGE }) as const

describe('the turns under way', () => {
  it('are told to one who comes late, with their stage and their text', () => {
    const turns = createTurnCache()
    turns.record('c', stage('m', 'thinking'))
    turns.record('c', stream('m', 0, 'Hel'))
    turns.record('c', stream('m', 3, 'lo'))
    turns.record('other', stage('n', 'thinking'))
    expect(turns.snapshot('c')).toEqual([
      { kind: 'stage', message: 'm', stage: 'writing' },
      { kind: 'stream', message: 'm', offset: 0, text: 'Hello' },
    ])
  })

  it('end with their reply, and nothing comes after it', () => {
    const turns = createTurnCache()
    turns.record('c', stream('m', 0, 'Hel'))
    expect(turns.record('c', reply('m'))).toBe(true)
    expect(turns.record('c', stream('m', 3, 'lo'))).toBe(false)
    expect(turns.record('c', reply('m'))).toBe(false)
    expect(turns.snapshot('c')).toEqual([reply('m')])
  })

  it('end together when one reply answers several messages', () => {
    const turns = createTurnCache()
    turns.record('c', stage('a', 'understanding'))
    turns.record('c', reply('b', ['a', 'b']))
    expect(turns.record('c', stage('a', 'thinking'))).toBe(false)
  })

  it('do not go back to their beginning', () => {
    const turns = createTurnCache()
    turns.record('c', stage('m', 'thinking'))
    expect(turns.record('c', stage('m', 'understanding'))).toBe(false)
  })

  it('forget the oldest when there are too many', () => {
    const turns = createTurnCache()
    for (let index = 0; index < 600; index += 1) turns.record(`c${index}`, stage(`m${index}`, 'thinking'))
    expect(turns.snapshot('c0')).toEqual([])
    expect(turns.snapshot('c599')).toHaveLength(1)
  })

  it('show no text that does not join', () => {
    const turns = createTurnCache()
    turns.record('c', stream('m', 10, 'the middle'))
    expect(turns.snapshot('c')).toEqual([{ kind: 'stage', message: 'm', stage: 'writing' }])
  })
})
