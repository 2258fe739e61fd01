import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Trace, TracedEvent, TracedTurn } from '../../../shared/operations/trace-types.ts'
import { formatTrace } from './trace-view.ts'

const NOW = Date.parse('2026-05-01T12:00:30.000Z')
const timeAt = (ms: number) => new Date(Date.parse('2026-05-01T12:00:00.000Z') + ms).toISOString()

const tracedEvent = (id: string, afterMs: number, more: Partial<TracedEvent> = {}): TracedEvent => ({
  id,
  type: 'lares.message.received',
  at: timeAt(afterMs),
  lastAt: timeAt(afterMs),
  madeBy: 'gateway',
  topic: 'lares.message',
  partition: 0,
  offset: 0,
  bytes: 100,
  isClaimCheck: false,
  records: 1,
  readers: [],
  ...more,
})

const tracedTurn = (more: Partial<TracedTurn> = {}): TracedTurn => ({
  id: 'm1',
  message: { text: 'what is 2 + 2?', status: 'answered', createdAt: timeAt(0) },
  events: [tracedEvent('m1', 1)],
  ...more,
})

const formatLines = (turns: TracedTurn[], more: Partial<Trace> = {}): string[] =>
  formatTrace(
    { conversation: 'home', person: 'owner', turns, hasEarlier: false, knowsTries: true, ...more },
    NOW,
  ).map(stripVTControlCharacters)

test('an answered turn is a table of its events, each with its cause, its wait and its run', () => {
  const made = { try: 1, waitedMs: 2, ranMs: 3 }
  const lines = formatLines([
    tracedTurn({
      reply: { status: 'completed', at: timeAt(42) },
      events: [
        tracedEvent('m1', 1),
        tracedEvent('e2', 6, { type: 'lares.intent.recognised', madeBy: 'intent', causedBy: 'm1', made }),
        tracedEvent('e3', 40, {
          type: 'lares.stream.extended',
          madeBy: 'generation',
          causedBy: 'a-cause-in-another-turn',
          made: { ...made, try: 2 },
          records: 37,
        }),
      ],
    }),
  ])
  expect(lines).toEqual([
    'Conversation home of owner',
    '',
    '“what is 2 + 2?”  answered after 42 ms',
    '2026-05-01 12:00:00 UTC, turn m1',
    '     after  event                by, because of         waited  ran',
    '  1  0 ms   message.received     gateway',
    '  2  5 ms   intent.recognised    intent ← 1             2 ms    3 ms',
    '  3  39 ms  stream.extended ×37  generation ← a-cause-  2 ms    3 ms  try 2',
  ])
})

test('what is not done says where it is, since when, which try it is and when the next comes', () => {
  const lines = formatLines([
    tracedTurn({
      message: { text: 'hello', status: 'answering', createdAt: timeAt(0) },
      events: [
        tracedEvent('m1', 1, {
          readers: [
            { function: 'intent', state: 'done' },
            { function: 'memory', state: 'running', since: timeAt(29_000), try: 1 },
            {
              function: 'generation',
              state: 'waiting',
              since: timeAt(0),
              try: 3,
              nextTryAt: timeAt(31_500),
              error: { code: 'unavailable', message: 'the model\u001b[2J\nis away' },
            },
          ],
        }),
      ],
    }),
  ])
  expect(lines.slice(2)).toEqual([
    '“hello”  is being answered',
    '2026-05-01 12:00:00 UTC, turn m1',
    '     after  event             by, because of  waited  ran',
    '  1  0 ms   message.received  gateway',
    '  ▸ memory ← 1 is at it for 1.0 s, try 1',
    '  … generation ← 1 has waited 30.0 s; try 3 failed, the next is in 1.5 s',
    '    unavailable: the model[2J is away',
  ])
})

test('what failed for good says so, with what brings it back', () => {
  const error = { code: 'rejected', message: 'no' }
  const dead = { function: 'generation', state: 'dead', try: 5, error } as const
  const lines = formatLines([
    tracedTurn({
      reply: { status: 'failed', at: timeAt(2_000) },
      events: [
        tracedEvent('m1', 1, { readers: [{ ...dead, deadLetter: { id: 'd1' } }] }),
        tracedEvent('m2', 1, {
          readers: [{ ...dead, try: 1, deadLetter: { id: 'd2', retriedAt: timeAt(9) } }],
        }),
      ],
    }),
  ])
  expect(lines[2]).toBe('“what is 2 + 2?”  failed after 2.0 s')
  expect(lines.slice(-6)).toEqual([
    '  ✗ generation ← 1 failed for good after 5 tries',
    '    rejected: no',
    '    lares dead retry d1',
    '  ✗ generation ← 2 failed for good after one try',
    '    rejected: no',
    '    put back 2026-05-01T12:00:00.009Z',
  ])
})

test('what the log has forgotten, what is left out and what is not known are said', () => {
  const lines = formatLines([tracedTurn({ events: [] })], { hasEarlier: true, knowsTries: false })
  expect(lines[1]).toContain('--turns shows more')
  expect(lines[2]).toContain('the tries of what waits are not known')
  expect(lines.at(-1)).toContain('The log has forgotten this turn')
})

/** The width of a line in terminal columns: the Chinese characters of this test take two. */
const displayWidth = (line: string) =>
  [...line].reduce((sum, one) => sum + (one >= '\u4e00' && one <= '\u9fff' ? 2 : 1), 0)

test('whatever the names and words are, a line has at most 100 places', () => {
  const long = 'a-very-long-name-of-something-indeed'.repeat(4)
  const lines = formatLines(
    [
      tracedTurn({
        id: long,
        message: { text: '一二三四五六七八九十'.repeat(20), status: 'answered', createdAt: timeAt(0) },
        reply: { status: 'interrupted', at: timeAt(3_600_000) },
        events: [
          tracedEvent('m1', 1),
          tracedEvent('e2', 3_599_000, {
            type: `lares.skill.${long}.requested`,
            madeBy: long,
            causedBy: long,
            made: { try: 12, waitedMs: 59_900, ranMs: 59_900 },
            isClaimCheck: true,
            records: 1_234,
            readers: [
              {
                function: long,
                state: 'waiting',
                since: timeAt(0),
                try: 1,
                nextTryAt: timeAt(40_000),
                error: { code: long, message: long },
              },
            ],
          }),
        ],
      }),
    ],
    { conversation: long, person: long, hasEarlier: true, knowsTries: false },
  )
  expect(lines.filter(line => displayWidth(line) > 100)).toEqual([])
})
