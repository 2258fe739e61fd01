import { afterEach, beforeEach, expect, test } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { defineFunction } from '../../shared/contract/definition.ts'
import { causedEvent } from '../../shared/contract/events/event.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import type { Trace } from '../../shared/operations/trace-types.ts'
import { openTracer } from '../../shared/operations/tracer.ts'
import {
  chunk,
  gate,
  message,
  neighbours,
  openWorks,
  result,
  stage,
  until,
  type Works,
} from './connector.fixture.ts'
import type { Connector } from './connector.ts'

const [HERE, BESIDE] = neighbours(2) as [string, string]

let works: Works
let connector: Connector | undefined

beforeEach(async () => {
  works = await openWorks()
  connector = undefined
})
afterEach(() => works.close())

/** As the gateway takes a message in: on the log, and in the history. */
async function say(id: string, conversation = HERE, text = id, time?: string): Promise<void> {
  const event = { ...message(id, conversation, text), ...(time && { time }) }
  await works.events.publish([event])
  await works.conversations.history.accept({
    conversation,
    person: conversation === HERE ? 'owner' : 'alice',
    message: { id, role: 'user', text, inReplyTo: null, createdAt: event.time, status: 'queued' },
  })
}

const reply = {
  role: 'assistant',
  text: 'by itself',
  inReplyTo: null,
  createdAt: '2999-01-01T00:00:00.000Z',
  status: 'completed',
} as const

const deadLetters = () => openDeadLetters({ ...works, documents: works.conversations.documents })

function look(id = HERE, turns = 20): Promise<Trace> {
  const trace = openTracer({
    bus: works.bus,
    objects: works.objects,
    history: works.conversations.history,
    dead: deadLetters(),
    source: async () => [
      { name: 'stage', topics: ['lares.message', 'lares.timer'] },
      { name: 'listener', topics: ['lares.result'] },
    ],
    standings: async conversation => connector?.standings(conversation),
  })
  return trace({ id, turns })
}

const typesIn = ({ turns }: Trace) => turns.map(({ events }) => events.map(({ type }) => type))
const stageIn = ({ turns }: Trace) => turns.at(-1)!.events[0]!.readers[0]!

test('each event is told with its cause, its maker, the try that made it, and what became of it', async () => {
  let tries = 0
  works.deploy(
    stage(() => {
      if (++tries < 3) throw new LaresError('failed', 'not yet')
      return result('there')
    }),
  )
  works.deploy(
    defineFunction({
      name: 'listener',
      receives: ['lares.result.returned'],
      emits: [],
      handle: () => undefined,
    }),
  )
  connector = await works.start()
  await say('m1')
  await until(async () => expect(await works.lag('listener')).toBe(0))
  await until(async () => expect(await works.results()).toEqual(['there']))
  await until(async () => {
    const trace = await look()
    expect(trace).toMatchObject({ conversation: HERE, person: 'owner', hasEarlier: false, knowsTries: true })
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
  works.deploy(
    stage(() => {
      throw new LaresError('failed', 'the oven is cold')
    }),
  )
  connector = await works.start({ retry: { baseMs: 60_000, maxMs: 60_000 } })
  await say('m1')
  await until(async () =>
    expect(stageIn(await look())).toMatchObject({
      state: 'waiting',
      try: 1,
      error: { code: 'failed', message: 'the oven is cold' },
    }),
  )
  const { nextTryAt } = stageIn(await look())
  expect(Date.parse(nextTryAt!)).toBeGreaterThan(Date.now())
})

test('a try that runs is told, and so is what stands behind it', async () => {
  const { passed, open } = gate()
  works.deploy(stage(() => passed))
  connector = await works.start()
  await say('m1')
  await say('m2')
  await until(async () => expect(connector!.standings(HERE)).toHaveLength(2))
  const { turns } = await look()
  expect(turns.map(({ events }) => events[0]!.readers)).toMatchObject([
    [{ state: 'running', try: 1 }],
    [{ state: 'waiting' }],
  ])
  open()
})

test('without a connector the log alone tells what is done and what waits', async () => {
  await say('m1')
  const trace = await look()
  expect(trace.knowsTries).toBe(false)
  expect(stageIn(trace)).toEqual({
    function: 'stage',
    state: 'waiting',
    since: trace.turns[0]!.events[0]!.at,
  })
})

test('a dead letter is told with the event, then that it was put back, then that it is done', async () => {
  let isBroken = true
  works.deploy(
    stage(() => {
      if (isBroken) throw new LaresError('rejected', 'no good')
      return result('good')
    }),
  )
  connector = await works.start()
  await say('m1')
  await until(async () => expect(await works.dead()).toHaveLength(1))
  await until(async () =>
    expect(stageIn(await look())).toMatchObject({
      state: 'dead',
      try: 1,
      error: { code: 'rejected', message: 'no good' },
      deadLetter: { id: expect.any(String) },
    }),
  )
  isBroken = false
  await deadLetters().retry(stageIn(await look()).deadLetter!.id)
  await until(async () => expect(stageIn(await look())).toEqual({ function: 'stage', state: 'done' }))
  const { turns } = await look()
  expect(turns[0]!.events.map(({ type, records }) => [type, records])).toEqual([
    ['lares.message.received', 2],
    ['lares.deadletter.recorded', 1],
    ['lares.result.returned', 1],
  ])
})

test('a message is told alone, by its own id or its reply’s, and nobody else’s is mixed in', async () => {
  await say('m1')
  await say('m2')
  await say('n1', BESIDE)
  expect(typesIn(await look('m2'))).toEqual([['lares.message.received']])
  expect((await look('m2')).turns.map(({ id }) => id)).toEqual(['m2'])
  expect((await look(HERE)).turns.map(({ id }) => id)).toEqual(['m1', 'm2'])
  expect(await look(BESIDE)).toMatchObject({ person: 'alice', turns: [{ id: 'n1' }] })
})

test('an id that nobody knows is not found', async () => {
  await expect(look('nobody')).rejects.toMatchObject({ code: 'not_found' })
})

test('a message that is on the log and not yet in the history is told', async () => {
  await works.events.publish([message('m1', HERE)])
  const { turns, ...trace } = await look()
  expect(trace).not.toHaveProperty('person')
  expect(turns).toMatchObject([{ id: 'm1', events: [{ id: 'm1' }] }])
})

test('a turn that the log has forgotten is told from the history', async () => {
  const createdAt = '2026-01-01T00:00:00.000Z'
  await works.conversations.history.accept({
    conversation: HERE,
    person: 'owner',
    message: { id: 'old', role: 'user', text: 'long ago', inReplyTo: null, createdAt, status: 'answered' },
  })
  await say('m1')
  expect((await look()).turns).toMatchObject([
    { id: 'old', message: { text: 'long ago', status: 'answered' }, events: [] },
    { id: 'm1', events: [{}] },
  ])
})

test('thousands of pieces of a stream are one event, and only so many turns are told', async () => {
  for (const id of ['m1', 'm2', 'm3']) await say(id)
  const cause = message('m3', HERE)
  const pieces = Array.from({ length: 3_000 }, (_, index) =>
    causedEvent(chunk(index), { function: 'stage', cause, index }),
  )
  await works.events.publish(pieces)
  const trace = await look(HERE, 2)
  expect(trace.hasEarlier).toBe(true)
  expect(trace.turns.map(({ id }) => id)).toEqual(['m2', 'm3'])
  expect(trace.turns[1]!.events).toMatchObject([
    { records: 1 },
    { type: 'lares.stream.extended', records: 3_000 },
  ])
})

test('messages whose rows lie before many replies are told with their words, those of one millisecond in their order', async () => {
  for (const id of ['m1', 'm2']) await say(id, HERE, id, '2026-05-01T12:00:00.000Z')
  for (const id of ['r1', 'r2', 'r3'])
    await works.conversations.step({
      conversation: HERE,
      person: 'owner',
      eventId: id,
      apply: () => ({ state: {}, outcome: null, messages: [{ ...reply, id }] }),
    })
  expect((await look(HERE, 2)).turns).toMatchObject([
    { id: 'm1', message: { text: 'm1' } },
    { id: 'm2', message: { text: 'm2' } },
  ])
})

test('large data stays in the object store, and a dead letter that travelled so is read all the same', async () => {
  works.deploy(
    stage(() => {
      throw new LaresError('rejected', 'too much')
    }),
  )
  connector = await works.start()
  await say('m1', HERE, 'x'.repeat(400_000))
  await until(async () => expect(await works.dead()).toHaveLength(1))
  await until(async () => expect(stageIn(await look())).toMatchObject({ state: 'dead' }))
  const [large] = (await look()).turns[0]!.events
  expect(large).toMatchObject({ isClaimCheck: true, bytes: 0 })
})

test('a record that is no event is told, with what became of it', async () => {
  works.deploy(stage(() => undefined))
  connector = await works.start()
  await works.bus.publish([{ topic: 'lares.message', key: HERE, headers: {}, value: Buffer.from('what?') }])
  await until(async () => expect(await works.dead()).toHaveLength(1))
  const events = (await look()).turns.flatMap(turn => turn.events)
  expect(events).toMatchObject([
    { type: 'no event', readers: [{ state: 'dead', deadLetter: {} }] },
    { type: 'lares.deadletter.recorded' },
  ])
})
