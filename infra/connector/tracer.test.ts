import { afterEach, beforeEach, expect, test } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { defineFunction } from '../../shared/contract/definition.ts'
import { createCausedEvent } from '../../shared/contract/events/event.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import type { Trace } from '../../shared/operations/trace-types.ts'
import { openTracer } from '../../shared/operations/tracer.ts'
import {
  type ConnectorTestBed,
  keysOnPartition,
  messageEvent,
  openConnectorTestBed,
  openGate,
  resultDraft,
  streamDraft,
  testFunction,
  waitUntil,
} from './connector.fixture.ts'
import type { Connector } from './connector.ts'

const [CONVERSATION, OTHER_CONVERSATION] = keysOnPartition(2) as [string, string]

let testBed: ConnectorTestBed
let connector: Connector | undefined

beforeEach(async () => {
  testBed = await openConnectorTestBed()
  connector = undefined
})
afterEach(() => testBed.close())

/** Accepts a message as the gateway does: on the log, and in the history. */
async function acceptMessage(
  id: string,
  conversation = CONVERSATION,
  text = id,
  time?: string,
): Promise<void> {
  const event = { ...messageEvent(id, conversation, text), ...(time && { time }) }
  await testBed.events.publish([event])
  await testBed.conversations.history.accept({
    conversation,
    person: conversation === CONVERSATION ? 'owner' : 'alice',
    message: { id, role: 'user', text, inReplyTo: null, createdAt: event.time, status: 'queued' },
  })
}

const unpromptedReply = {
  role: 'assistant',
  text: 'by itself',
  inReplyTo: null,
  createdAt: '2999-01-01T00:00:00.000Z',
  status: 'completed',
} as const

const deadLetters = () => openDeadLetters({ ...testBed, records: testBed.conversations.records })

function readTrace(id = CONVERSATION, turns = 20): Promise<Trace> {
  const trace = openTracer({
    bus: testBed.bus,
    objects: testBed.objects,
    history: testBed.conversations.history,
    deadLetters: deadLetters(),
    source: async () => [
      { name: 'stage', topics: ['lares.message', 'lares.timer'] },
      { name: 'listener', topics: ['lares.result'] },
    ],
    inFlight: async conversation => connector?.inFlight(conversation),
  })
  return trace({ id, turns })
}

const typesIn = ({ turns }: Trace) => turns.map(({ events }) => events.map(({ type }) => type))
const lastTurnReader = ({ turns }: Trace) => turns.at(-1)!.events[0]!.readers[0]!

test('each event is told with its cause, its maker, the try that made it, and what became of it', async () => {
  let tries = 0
  testBed.deploy(
    testFunction(() => {
      if (++tries < 3) throw new LaresError('failed', 'not yet')
      return resultDraft('there')
    }),
  )
  testBed.deploy(
    defineFunction({
      name: 'listener',
      receives: ['lares.result.returned'],
      emits: [],
      handle: () => undefined,
    }),
  )
  connector = await testBed.start()
  await acceptMessage('m1')
  await waitUntil(async () => expect(await testBed.lag('listener')).toBe(0))
  await waitUntil(async () => expect(await testBed.results()).toEqual(['there']))
  await waitUntil(async () => {
    const trace = await readTrace()
    expect(trace).toMatchObject({
      conversation: CONVERSATION,
      person: 'owner',
      hasEarlier: false,
      knowsTries: true,
    })
    expect(trace.turns).toMatchObject([
      {
        id: 'm1',
        message: { text: 'm1', status: 'queued' },
        events: [
          { id: 'm1', madeBy: 'tests', readers: [{ function: 'stage', state: 'done' }] },
          {
            type: 'lares.result.returned',
            madeBy: 'stage',
            causedBy: 'm1',
            made: { try: 3, waitedMs: expect.any(Number), ranMs: expect.any(Number) },
            readers: [{ function: 'listener', state: 'done' }],
          },
        ],
      },
    ])
    expect(trace.turns[0]!.events[0]).not.toHaveProperty('made')
  })
})

test('what waits for its next try says which failed, why, and when the next is', async () => {
  testBed.deploy(
    testFunction(() => {
      throw new LaresError('failed', 'the oven is cold')
    }),
  )
  connector = await testBed.start({ retry: { baseDelayMs: 60_000, maxDelayMs: 60_000 } })
  await acceptMessage('m1')
  await waitUntil(async () =>
    expect(lastTurnReader(await readTrace())).toMatchObject({
      state: 'waiting',
      try: 1,
      error: { code: 'failed', message: 'the oven is cold' },
    }),
  )
  const { nextTryAt } = lastTurnReader(await readTrace())
  expect(Date.parse(nextTryAt!)).toBeGreaterThan(Date.now())
})

test('a try that runs is told, and so is what stands behind it', async () => {
  const { passed, open } = openGate()
  testBed.deploy(testFunction(() => passed))
  connector = await testBed.start()
  await acceptMessage('m1')
  await acceptMessage('m2')
  await waitUntil(async () => expect(connector!.inFlight(CONVERSATION)).toHaveLength(2))
  const { turns } = await readTrace()
  expect(turns.map(({ events }) => events[0]!.readers)).toMatchObject([
    [{ state: 'running', try: 1 }],
    [{ state: 'waiting' }],
  ])
  open()
})

test('without a connector the log alone tells what is done and what waits', async () => {
  await acceptMessage('m1')
  const trace = await readTrace()
  expect(trace.knowsTries).toBe(false)
  expect(lastTurnReader(trace)).toEqual({
    function: 'stage',
    state: 'waiting',
    since: trace.turns[0]!.events[0]!.at,
  })
})

test('a dead letter is told with the event, then that it was put back, then that it is done', async () => {
  let isBroken = true
  testBed.deploy(
    testFunction(() => {
      if (isBroken) throw new LaresError('rejected', 'no good')
      return resultDraft('good')
    }),
  )
  connector = await testBed.start()
  await acceptMessage('m1')
  await waitUntil(async () => expect(await testBed.deadLetters()).toHaveLength(1))
  await waitUntil(async () =>
    expect(lastTurnReader(await readTrace())).toMatchObject({
      state: 'dead',
      try: 1,
      error: { code: 'rejected', message: 'no good' },
      deadLetter: { id: expect.any(String) },
    }),
  )
  isBroken = false
  await deadLetters().retry(lastTurnReader(await readTrace()).deadLetter!.id)
  await waitUntil(async () =>
    expect(lastTurnReader(await readTrace())).toEqual({ function: 'stage', state: 'done' }),
  )
  const { turns } = await readTrace()
  expect(turns[0]!.events.map(({ type, records }) => [type, records])).toEqual([
    ['lares.message.received', 2],
    ['lares.deadletter.recorded', 1],
    ['lares.result.returned', 1],
  ])
})

test('a message is told alone, by its own id or its reply’s, and nobody else’s is mixed in', async () => {
  await acceptMessage('m1')
  await acceptMessage('m2')
  await acceptMessage('n1', OTHER_CONVERSATION)
  expect(typesIn(await readTrace('m2'))).toEqual([['lares.message.received']])
  expect((await readTrace('m2')).turns.map(({ id }) => id)).toEqual(['m2'])
  expect((await readTrace(CONVERSATION)).turns.map(({ id }) => id)).toEqual(['m1', 'm2'])
  expect(await readTrace(OTHER_CONVERSATION)).toMatchObject({ person: 'alice', turns: [{ id: 'n1' }] })
})

test('an id that nobody knows is not found', async () => {
  await expect(readTrace('nobody')).rejects.toMatchObject({ code: 'not_found' })
})

test('a message that is on the log and not yet in the history is told', async () => {
  await testBed.events.publish([messageEvent('m1', CONVERSATION)])
  const { turns, ...trace } = await readTrace()
  expect(trace).not.toHaveProperty('person')
  expect(turns).toMatchObject([{ id: 'm1', events: [{ id: 'm1' }] }])
})

test('a turn that the log has forgotten is told from the history', async () => {
  const createdAt = '2026-01-01T00:00:00.000Z'
  await testBed.conversations.history.accept({
    conversation: CONVERSATION,
    person: 'owner',
    message: { id: 'old', role: 'user', text: 'long ago', inReplyTo: null, createdAt, status: 'answered' },
  })
  await acceptMessage('m1')
  expect((await readTrace()).turns).toMatchObject([
    { id: 'old', message: { text: 'long ago', status: 'answered' }, events: [] },
    { id: 'm1', events: [{}] },
  ])
})

test('thousands of pieces of a stream are one event, and only so many turns are told', async () => {
  for (const id of ['m1', 'm2', 'm3']) await acceptMessage(id)
  const cause = messageEvent('m3', CONVERSATION)
  const pieces = Array.from({ length: 3_000 }, (_, index) =>
    createCausedEvent(streamDraft(index), { function: 'stage', cause, index }),
  )
  await testBed.events.publish(pieces)
  const trace = await readTrace(CONVERSATION, 2)
  expect(trace.hasEarlier).toBe(true)
  expect(trace.turns.map(({ id }) => id)).toEqual(['m2', 'm3'])
  expect(trace.turns[1]!.events).toMatchObject([
    { records: 1 },
    { type: 'lares.stream.extended', records: 3_000 },
  ])
})

test('messages whose rows lie before many replies are told with their words, those of one millisecond in their order', async () => {
  for (const id of ['m1', 'm2']) await acceptMessage(id, CONVERSATION, id, '2026-05-01T12:00:00.000Z')
  for (const id of ['r1', 'r2', 'r3'])
    await testBed.conversations.step({
      conversation: CONVERSATION,
      person: 'owner',
      eventId: id,
      apply: () => ({ state: {}, outcome: null, messages: [{ ...unpromptedReply, id }] }),
    })
  expect((await readTrace(CONVERSATION, 2)).turns).toMatchObject([
    { id: 'm1', message: { text: 'm1' } },
    { id: 'm2', message: { text: 'm2' } },
  ])
})

test('large data stays in the object store, and a dead letter that travelled so is read all the same', async () => {
  testBed.deploy(
    testFunction(() => {
      throw new LaresError('rejected', 'too much')
    }),
  )
  connector = await testBed.start()
  await acceptMessage('m1', CONVERSATION, 'x'.repeat(400_000))
  await waitUntil(async () => expect(await testBed.deadLetters()).toHaveLength(1))
  await waitUntil(async () => expect(lastTurnReader(await readTrace())).toMatchObject({ state: 'dead' }))
  const [large] = (await readTrace()).turns[0]!.events
  expect(large).toMatchObject({ isClaimCheck: true, bytes: 0 })
})

test('a record that is no event is told, with what became of it', async () => {
  testBed.deploy(testFunction(() => undefined))
  connector = await testBed.start()
  await testBed.bus.publish([
    { topic: 'lares.message', key: CONVERSATION, headers: {}, value: Buffer.from('what?') },
  ])
  await waitUntil(async () => expect(await testBed.deadLetters()).toHaveLength(1))
  const events = (await readTrace()).turns.flatMap(turn => turn.events)
  expect(events).toMatchObject([
    { type: 'no event', readers: [{ state: 'dead', deadLetter: {} }] },
    { type: 'lares.deadletter.recorded' },
  ])
})
