import { expect, test } from 'vitest'
import type { MessageRow } from '../gateway-client.ts'
import { classifyMessages, percentilesOf } from './injection-report.ts'

const messages = ['a', 'b', 'c'].map(id => ({ id, conversation: 'room' }))

const userRow = (id: string, status: MessageRow['status'] = 'answered'): MessageRow => ({
  id,
  role: 'user',
  text: id,
  inReplyTo: null,
  createdAt: '',
  status,
})
const replyRow = (to: string, status: MessageRow['status'] = 'completed'): MessageRow => ({
  ...userRow(`to-${to}`, status),
  role: 'assistant',
  inReplyTo: to,
})

test('each message counts by what its reply says', () => {
  const history = [
    userRow('a'),
    userRow('b'),
    userRow('c'),
    replyRow('a'),
    replyRow('b', 'failed'),
    replyRow('c', 'interrupted'),
  ]
  expect(classifyMessages(messages, history)).toEqual({
    replied: 1,
    failed: 1,
    interrupted: 1,
    merged: 0,
    missing: [],
    duplicates: [],
    outOfOrder: [],
  })
})

test('a message without a reply is missing, also when it is not in the history at all', () => {
  const { missing } = classifyMessages(messages, [userRow('a', 'queued'), replyRow('c')])
  expect(missing.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('a message that was answered together with a later one is merged, but not together with an earlier one', () => {
  const history = [userRow('a'), userRow('b'), userRow('c'), replyRow('b')]
  expect(classifyMessages(messages, history)).toMatchObject({ merged: 1, replied: 1, missing: [{ id: 'c' }] })
})

test('two replies to one message are told', () => {
  const { duplicates, replied: count } = classifyMessages(messages, [
    replyRow('a'),
    replyRow('a'),
    replyRow('b'),
    replyRow('c'),
  ])
  expect(duplicates).toEqual([{ id: 'a', conversation: 'room', replies: 2 }])
  expect(count).toBe(3)
})

test('a reply before the one to an earlier message is told', () => {
  const { outOfOrder } = classifyMessages(messages, [replyRow('b'), replyRow('a'), replyRow('c')])
  expect(outOfOrder.map(({ id }) => id)).toEqual(['b'])
})

test('replies to messages of others, and what the assistant says by itself, do not count', () => {
  const history = [
    replyRow('x'),
    replyRow('a'),
    { ...replyRow('y'), inReplyTo: null },
    replyRow('b'),
    replyRow('c'),
  ]
  expect(classifyMessages(messages, history)).toMatchObject({
    replied: 3,
    outOfOrder: [],
    duplicates: [],
    missing: [],
  })
})

test('percentiles are values that were measured', () => {
  const latencies = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(percentilesOf(latencies)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 })
  expect(percentilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 })
  expect(percentilesOf([])).toBeNull()
})
