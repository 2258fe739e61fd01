import { describe, expect, it } from 'vitest'
import { NO_USAGE } from './live-updates.ts'
import { openTurns } from './turn-cache.ts'

const stream = (message: string, offset: number, text: string) =>
  ({ kind: 'stream', message, offset, text }) as const
const stage = (message: string, name: 'understanding' | 'thinking') =>
  ({ kind: 'stage', message, stage: name }) as const
const reply = (message: string, answers = [message]) =>
  ({ kind: 'reply', message, answers, inReplyTo: message, usage: NO_USAGE }) as const

describe('the turns under way', () => {
  it('are told to one who comes late, with their stage and their text', () => {
    const turns = openTurns()
    turns.note('c', stage('m', 'thinking'))
    turns.note('c', stream('m', 0, 'Hel'))
    turns.note('c', stream('m', 3, 'lo'))
    turns.note('other', stage('n', 'thinking'))
    expect(turns.underWay('c')).toEqual([
      { kind: 'stage', message: 'm', stage: 'writing' },
      { kind: 'stream', message: 'm', offset: 0, text: 'Hello' },
    ])
  })

  it('end with their reply, and nothing comes after it', () => {
    const turns = openTurns()
    turns.note('c', stream('m', 0, 'Hel'))
    expect(turns.note('c', reply('m'))).toBe(true)
    expect(turns.note('c', stream('m', 3, 'lo'))).toBe(false)
    expect(turns.note('c', reply('m'))).toBe(false)
    expect(turns.underWay('c')).toEqual([reply('m')])
  })

  it('end together when one reply answers several messages', () => {
    const turns = openTurns()
    turns.note('c', stage('a', 'understanding'))
    turns.note('c', reply('b', ['a', 'b']))
    expect(turns.note('c', stage('a', 'thinking'))).toBe(false)
  })

  it('do not go back to their beginning', () => {
    const turns = openTurns()
    turns.note('c', stage('m', 'thinking'))
    expect(turns.note('c', stage('m', 'understanding'))).toBe(false)
  })

  it('forget the oldest when there are too many', () => {
    const turns = openTurns()
    for (let index = 0; index < 600; index += 1) turns.note(`c${index}`, stage(`m${index}`, 'thinking'))
    expect(turns.underWay('c0')).toEqual([])
    expect(turns.underWay('c599')).toHaveLength(1)
  })

  it('show no text that does not join', () => {
    const turns = openTurns()
    turns.note('c', stream('m', 10, 'the middle'))
    expect(turns.underWay('c')).toEqual([{ kind: 'stage', message: 'm', stage: 'writing' }])
  })
})
