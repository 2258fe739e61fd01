import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { defineFunction } from '../../../shared/contract/definition.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import { eventToRecord } from '../../../shared/contract/events/kafka-binding.ts'
import {
  type ConnectorTestBed,
  messageEvent,
  openConnectorTestBed,
  openGate,
  resultDraft,
  streamDraft,
  testFunction,
  waitUntil,
} from '../connector.fixture.ts'

let testBed: ConnectorTestBed

beforeEach(async () => {
  testBed = await openConnectorTestBed()
})
afterEach(() => testBed.close())

const countOf = (seen: string[], id: string) => seen.filter(one => one === id).length

test('a failing event is tried five times and goes to the dead letters whole; its conversation goes on', async () => {
  const seen: string[] = []
  testBed.deploy(
    testFunction(event => {
      seen.push(event.id)
      if (event.id === 'a1') throw new Error('it hurts')
      return resultDraft(event.id)
    }),
  )
  await testBed.start()
  const bad = messageEvent('a1', 'a')
  await testBed.events.publish([bad, messageEvent('a2', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a2']))
  expect(seen).toEqual(['a1', 'a1', 'a1', 'a1', 'a1', 'a2'])
  const [letter] = (await testBed.eventsOn('lares.deadletter')) as LaresEvent<'lares.deadletter.recorded'>[]
  expect(letter).toMatchObject({
    source: '/lares/connector',
    subject: 'a',
    correlationid: 'a1',
    causationid: 'a1',
    data: {
      function: 'stage',
      error: { code: 'failed', message: 'it hurts' },
      tries: 5,
      topic: 'lares.message',
      event: bad,
    },
  })
  const { partition, offset } = letter!.data
  expect(letter!.id).toBe(derivedId('a1', `connector/stage/lares.message/${partition}/${offset}`, 0))
})

test('a final error is not tried again', async () => {
  const seen: string[] = []
  testBed.deploy(
    testFunction(event => {
      seen.push(event.id)
      throw new LaresError('rejected', 'never')
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () =>
    expect(await testBed.deadLetters()).toMatchObject([{ tries: 1, error: { code: 'rejected' } }]),
  )
  expect(seen).toEqual(['a1'])
})

test('an event of somebody who was forgotten is passed over with a warning, also a dead letter', async () => {
  const warned = vi.spyOn(silentLogger, 'warn')
  const seen: string[] = []
  const forgotten = (event: LaresEvent): never => {
    seen.push(event.type)
    throw new LaresError('forgotten', 'they were forgotten')
  }
  testBed.deploy(
    defineFunction<'lares.deadletter.recorded'>({
      name: 'mourner',
      receives: ['lares.deadletter.recorded'],
      emits: [],
      handle: forgotten,
    }),
  )
  testBed.deploy(
    testFunction(event => {
      if (event.id === 'a1') throw new LaresError('rejected', 'never')
      return event.id === 'a2' ? forgotten(event) : resultDraft(event.id)
    }),
  )
  await testBed.start()
  await testBed.events.publish(['a1', 'a2', 'a3'].map(id => messageEvent(id, 'a')))
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a3']))
  await waitUntil(async () => expect(await testBed.lag('mourner')).toBe(0))
  expect(await testBed.eventsOn('lares.deadletter')).toHaveLength(1)
  expect(seen.toSorted()).toEqual(['lares.deadletter.recorded', 'lares.message.received'])
  const passedOver = warned.mock.calls.filter(([, message]) => message.includes('passed over'))
  expect(passedOver).toHaveLength(2)
  warned.mockRestore()
})

test('waits grow, heed Retry-After, and hold only their own conversation', async () => {
  const waits: number[] = []
  const log = { ...quietLogger, debug: (fields: object) => void waits.push(...retryDelaysIn(fields)) }
  const loud = await openConnectorTestBed({
    ...log,
    child: () => ({ ...log, child: () => log as never }),
  } as never)
  const seen: string[] = []
  loud.deploy(
    testFunction(event => {
      seen.push(event.id)
      if (event.id !== 'a1') return
      if (countOf(seen, 'a1') === 3) throw new LaresError('failed', 'slowly', { retryAfterMs: 50 })
      if (countOf(seen, 'a1') < 5) throw new Error('not yet')
    }),
  )
  await loud.start({ random: () => 0, retry: { baseDelayMs: 4, maxDelayMs: 12 } })
  await loud.events.publish([messageEvent('a1', 'a'), messageEvent('a2', 'a'), messageEvent('b1', 'b')])
  await waitUntil(() => expect(seen.at(-1)).toBe('a2'))
  expect(waits).toEqual([2, 4, 50, 6])
  expect(seen.filter(id => id !== 'b1')).toEqual(['a1', 'a1', 'a1', 'a1', 'a1', 'a2'])
  expect(seen.indexOf('b1')).toBeLessThan(2)
  await loud.close()
})

test.each([
  ['no event', { value: Buffer.from('hello') }],
  [
    'an event of an unknown type',
    { headers: { ...eventToRecord(messageEvent('x', 'a')).headers, ce_type: 'com.example.some' } },
  ],
  ['an event with wrong data', { value: Buffer.from('{"text": 1}') }],
])(
  'a record that is %s is a dead letter at once, with its bytes, and its conversation goes on',
  async (_, wrong) => {
    testBed.deploy(testFunction(event => resultDraft(event.id)))
    await testBed.start()
    const record = { ...eventToRecord(messageEvent('x', 'a')), headers: {}, ...wrong }
    await testBed.bus.publish([record])
    await testBed.events.publish([messageEvent('a1', 'a')])
    await waitUntil(async () => expect(await testBed.results()).toEqual(['a1']))
    expect(await testBed.deadLetters()).toMatchObject([
      { tries: 1, raw: record.value.toString('base64'), headers: record.headers, topic: 'lares.message' },
    ])
    expect((await testBed.eventsOn('lares.deadletter'))[0]!.subject).toBe('a')
  },
)

test.each([
  ['none', '', 'unknown'],
  ['one that is too long', 'x'.repeat(300), 'x'.repeat(255)],
  ['one of control characters', 'a\0b', 'a\ufffdb'],
])(
  'a record with a key that is no conversation (%s) makes a dead letter that can be read',
  async (_, key, subject) => {
    testBed.deploy(testFunction(() => undefined))
    await testBed.start()
    await testBed.bus.publish([{ topic: 'lares.message', key, headers: {}, value: Buffer.from('x') }])
    await waitUntil(async () =>
      expect((await testBed.eventsOn('lares.deadletter'))[0]).toMatchObject({ subject }),
    )
  },
)

test('a dead letter that cannot be handled makes no other one, and is tried on', async () => {
  let tries = 0
  testBed.deploy(
    defineFunction<'lares.deadletter.recorded'>({
      name: 'mourner',
      receives: ['lares.deadletter.recorded'],
      emits: ['lares.result.returned'],
      handle() {
        if (++tries < 9) throw new LaresError('rejected', 'I cannot bear it')
        return resultDraft('handled')
      },
    }),
  )
  testBed.deploy(
    testFunction(() => {
      throw new LaresError('rejected', 'never')
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['handled']))
  expect(await testBed.deadLetters()).toHaveLength(1)
})

/** A log that refuses events while the test says so. */
function eventLogRefusing(
  events: EventLog,
  refuse: (batch: LaresEvent[]) => LaresError | undefined,
): EventLog {
  return {
    async publish(batch) {
      const error = refuse(batch)
      if (error) throw error
      await events.publish(batch)
    },
  }
}

test('a bus that does not take the answer is tried again without the function', async () => {
  const seen: string[] = []
  let refusals = 0
  testBed.deploy(
    testFunction(event => {
      seen.push(event.id)
      return resultDraft(event.id)
    }),
  )
  const events = eventLogRefusing(testBed.events, () =>
    refusals++ < 8 ? new LaresError('unavailable', 'the broker is away') : undefined,
  )
  await testBed.start({ events })
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a1']))
  expect([seen, await testBed.deadLetters()]).toEqual([['a1'], []])
})

test('an answer that the bus never takes is a dead letter; one that cannot be published is tried on, alone', async () => {
  const seen: string[] = []
  let letters = 0
  testBed.deploy(
    testFunction(event => {
      seen.push(event.id)
      return resultDraft(event.id)
    }),
  )
  const events = eventLogRefusing(testBed.events, ([event]) => {
    if (event!.type === 'lares.result.returned') return new LaresError('too_large', 'too much')
    return letters++ < 3 ? new LaresError('invalid_event', 'not even this') : undefined
  })
  await testBed.start({ events })
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () =>
    expect(await testBed.deadLetters()).toMatchObject([{ error: { code: 'too_large' } }]),
  )
  expect(seen).toEqual(['a1'])
})

test('streamed events are published while the function works, the others when it has ended, all in order', async () => {
  const held = openGate()
  testBed.deploy(
    testFunction(async function* () {
      yield streamDraft(0)
      yield streamDraft(1)
      yield resultDraft('so far')
      await held.passed
      yield resultDraft('done')
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  const offsets = async () =>
    ((await testBed.eventsOn('lares.stream')) as LaresEvent<'lares.stream.extended'>[]).map(
      ({ data }) => data.offset,
    )
  await waitUntil(async () => expect(await offsets()).toEqual([0, 1]))
  expect(await testBed.results()).toEqual([])
  held.open()
  await waitUntil(async () => expect(await testBed.results()).toEqual(['so far', 'done']))
})

test('a bus that fails while tokens stream loses none and keeps their order', async () => {
  let calls = 0
  testBed.deploy(
    testFunction(async function* () {
      for (let offset = 0; offset < 300; offset++) yield streamDraft(offset)
      yield resultDraft('done')
    }),
  )
  const events = eventLogRefusing(testBed.events, () =>
    calls++ % 2 === 0 ? new LaresError('unavailable', 'every other time') : undefined,
  )
  await testBed.start({ events })
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['done']))
  const stream = (await testBed.eventsOn('lares.stream')) as LaresEvent<'lares.stream.extended'>[]
  expect(stream.map(({ data }) => data.offset)).toEqual(Array.from({ length: 300 }, (_, n) => n))
})

test('a bus that is away holds up a streaming function instead of filling the memory', async () => {
  let emitted = 0
  testBed.deploy(
    testFunction(async function* () {
      for (; emitted < 10_000; emitted++) yield streamDraft(emitted)
    }),
  )
  let refusals = 0
  const events = eventLogRefusing(testBed.events, () => {
    refusals++
    return new LaresError('unavailable', 'the broker is away')
  })
  await testBed.start({ events })
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(() => expect(refusals).toBeGreaterThan(10))
  expect(emitted).toBeLessThan(100)
})

test('tokens that the bus refuses for good end the try in order, also when the connector stops meanwhile', async () => {
  const held = openGate()
  testBed.deploy(
    testFunction(async function* () {
      yield streamDraft(0)
      yield streamDraft(1)
      await held.passed
    }),
  )
  let isFinal = true
  const events = eventLogRefusing(testBed.events, ([event]) => {
    if (event!.type !== 'lares.stream.extended') return undefined
    return isFinal ? new LaresError('too_large', 'too much') : new LaresError('unavailable', 'away')
  })
  const connector = await testBed.start({ events })
  await testBed.events.publish([messageEvent('a1', 'a')])
  held.open()
  await waitUntil(async () =>
    expect(await testBed.deadLetters()).toMatchObject([{ error: { code: 'too_large' } }]),
  )
  isFinal = false
  await testBed.events.publish([messageEvent('a2', 'a')])
  await waitUntil(async () => expect(await testBed.lag()).toBe(1))
  await connector.close()
  expect(await testBed.lag()).toBe(1)
})

test('a try that fails after some tokens starts again with the same ids', async () => {
  let tries = 0
  testBed.deploy(
    testFunction(async function* () {
      yield streamDraft(0)
      yield streamDraft(1)
      if (++tries < 3) throw new Error('the model fell over')
      yield resultDraft('done')
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['done']))
  const stream = (await testBed.eventsOn('lares.stream')) as LaresEvent<'lares.stream.extended'>[]
  expect(stream.map(({ data }) => data.offset)).toEqual([0, 1, 0, 1, 0, 1])
  expect(new Set(stream.map(({ id }) => id)).size).toBe(2)
})

test('what JSON cannot say is a dead letter, not a reason to publish for ever', async () => {
  testBed.deploy(
    testFunction(() => ({ ...resultDraft('x'), data: { ...resultDraft('x').data, data: 1n } }) as never),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () =>
    expect(await testBed.deadLetters()).toMatchObject([{ error: { code: 'invalid_event' } }]),
  )
})

const quietLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

const retryDelaysIn = (fields: object): number[] => ('retryInMs' in fields ? [Number(fields.retryInMs)] : [])

test('each function is tried again as its own manifest says', async () => {
  const attempts: Record<string, number> = { hasty: 0, patient: 0 }
  for (const [name, maxAttempts] of [
    ['hasty', 1],
    ['patient', 3],
  ] as const)
    testBed.deploy(
      defineFunction<'lares.message.received'>({
        name,
        receives: ['lares.message.received'],
        emits: [],
        retry: { maxAttempts },
        handle() {
          attempts[name]!++
          throw new Error('no')
        },
      }),
    )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.deadLetters()).toHaveLength(2))
  expect(attempts).toEqual({ hasty: 1, patient: 3 })
})

test('a dead letter has the stack of what the handler threw, with its file and line', async () => {
  testBed.deploy(
    testFunction(() => {
      throw new TypeError('boom')
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.deadLetters()).toHaveLength(1))
  const { error } = (await testBed.deadLetters())[0]!
  expect(error).toMatchObject({ code: 'failed', message: 'boom' })
  expect(error.stack).toMatch(/TypeError: boom\n.*delivery\.test\.ts:\d+:\d+/)
})
