import { afterEach, beforeEach, expect, test } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import type { DeadLetter, DeadLetters, OperationStatus } from '../../../shared/operations/operations.ts'
import type { Tracer } from '../../../shared/operations/trace-types.ts'
import { sendRequest } from './client.ts'
import { ALICE_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

const status: OperationStatus = {
  functions: [{ name: 'intent', topics: ['lares.message'], lag: 3, oldestMs: 1_200 }],
  deadLetters: 1,
}

const deadLetter: DeadLetter = {
  id: 'd1',
  conversation: 'c1',
  recordedAt: '2026-05-01T12:00:00.000Z',
  function: 'intent',
  error: { code: 'rejected', message: 'it would not' },
  tries: 5,
  firstTriedAt: '2026-05-01T12:00:00.000Z',
  topic: 'lares.message',
  partition: 0,
  offset: 7,
}

function openDeadLetters(): DeadLetters {
  let retriedAt: string | undefined
  const find = (id: string): DeadLetter => {
    if (id !== deadLetter.id) throw new LaresError('not_found', `there is no dead letter "${id}"`)
    return { ...deadLetter, ...(retriedAt && { retriedAt }) }
  }
  return {
    list: async () => [find('d1')],
    show: async id => ({ ...find(id), event: { id: 'e1' } }),
    async retry(id) {
      find(id)
      retriedAt = '2026-05-02T12:00:00.000Z'
      return find(id)
    },
  }
}

const trace: Tracer = async ({ id, turns }) => {
  if (id !== 'c1') throw new LaresError('not_found', `there is no "${id}"`)
  const known = { id: 'm1', events: [] }
  return { conversation: id, turns: [known, known].slice(-turns), hasEarlier: turns < 2, knowsTries: true }
}

let gateway: TestGateway

beforeEach(async () => {
  gateway = await openTestGateway({
    overrides: { operations: { status: async () => status, deadLetters: openDeadLetters(), trace } },
  })
})
afterEach(() => gateway.close())

test('the owner sees how far the functions are', async () => {
  const response = await sendRequest(gateway, '/api/status')
  expect(await response.json()).toEqual(status)
})

test('the owner lists, sees and puts back dead letters', async () => {
  for (const path of ['/api/dead-letters', '/api/dead']) {
    expect(await (await sendRequest(gateway, path)).json()).toEqual({ deadLetters: [deadLetter] })
    expect(await (await sendRequest(gateway, `${path}/d1`)).json()).toEqual({
      ...deadLetter,
      event: { id: 'e1' },
    })
  }
  const retried = await sendRequest(gateway, '/api/dead-letters/d1/retry', { method: 'POST' })
  expect(await retried.json()).toEqual({ ...deadLetter, retriedAt: '2026-05-02T12:00:00.000Z' })
})

test('the owner sees the journey of a conversation, as many turns of it as asked for', async () => {
  expect(await (await sendRequest(gateway, '/api/trace/c1')).json()).toMatchObject({ turns: [{}, {}] })
  expect(await (await sendRequest(gateway, '/api/trace/c1?turns=1')).json()).toMatchObject({
    turns: [{}],
    hasEarlier: true,
  })
  expect((await sendRequest(gateway, '/api/trace/c2')).status).toBe(404)
  for (const query of ['turns=0', 'turns=many', 'turns=1001', 'turn=1'])
    expect((await sendRequest(gateway, `/api/trace/c1?${query}`)).status).toBe(400)
})

test('a dead letter that is not there is told', async () => {
  expect((await sendRequest(gateway, '/api/dead/d2')).status).toBe(404)
  expect((await sendRequest(gateway, '/api/dead/d2/retry', { method: 'POST' })).status).toBe(404)
})

test('others than the owner are refused, and strangers too', async () => {
  for (const path of [
    '/api/status',
    '/api/trace/c1',
    '/api/dead-letters',
    '/api/dead-letters/d1',
    '/api/dead',
    '/api/dead/d1',
  ]) {
    expect((await sendRequest(gateway, path, { token: ALICE_TOKEN })).status).toBe(403)
    expect((await sendRequest(gateway, path, { token: null })).status).toBe(401)
  }
  expect(
    (await sendRequest(gateway, '/api/dead/d1/retry', { method: 'POST', token: ALICE_TOKEN })).status,
  ).toBe(403)
  expect(await (await sendRequest(gateway, '/api/dead/d1')).json()).not.toHaveProperty('retriedAt')
})
