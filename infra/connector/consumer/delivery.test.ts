import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { noLog } from '../../../shared/base/log.ts'
import { defineFunction } from '../../../shared/contract/definition.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import { toRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { chunk, gate, message, openWorks, result, stage, until, type Works } from '../connector.fixture.ts'

let works: Works

beforeEach(async () => {
  works = await openWorks()
})
afterEach(() => works.close())

const timesOf = (seen: string[], id: string) => seen.filter(one => one === id).length

test('a failing event is tried five times and goes to the dead letters whole; its conversation goes on', async () => {
  const seen: string[] = []
  works.deploy(
    stage(event => {
      seen.push(event.id)
      if (event.id === 'a1') throw new Error('it hurts')
      return result(event.id)
    }),
  )
  await works.start()
  const bad = message('a1', 'a')
  await works.events.publish([bad, message('a2', 'a')])
  await until(async () => expect(await works.results()).toEqual(['a2']))
  expect(seen).toEqual(['a1', 'a1', 'a1', 'a1', 'a1', 'a2'])
  const [letter] = (await works.on('lares.deadletter')) as LaresEvent<'lares.deadletter.recorded'>[]
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
  works.deploy(
    stage(event => {
      seen.push(event.id)
      throw new LaresError('rejected', 'never')
    }),
  )
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () =>
    expect(await works.dead()).toMatchObject([{ tries: 1, error: { code: 'rejected' } }]),
  )
  expect(seen).toEqual(['a1'])
})

test('an event of somebody who was forgotten is passed over with a warning, also a dead letter', async () => {
  const warned = vi.spyOn(noLog, 'warn')
  const seen: string[] = []
  const forgotten = (event: LaresEvent): never => {
    seen.push(event.type)
    throw new LaresError('forgotten', 'they were forgotten')
  }
  works.deploy(
    defineFunction<'lares.deadletter.recorded'>({
      name: 'mourner',
      receives: ['lares.deadletter.recorded'],
      emits: [],
      handle: forgotten,
    }),
  )
  works.deploy(
    stage(event => {
      if (event.id === 'a1') throw new LaresError('rejected', 'never')
      return event.id === 'a2' ? forgotten(event) : result(event.id)
    }),
  )
  await works.start()
  await works.events.publish(['a1', 'a2', 'a3'].map(id => message(id, 'a')))
  await until(async () => expect(await works.results()).toEqual(['a3']))
  await until(async () => expect(await works.lag('mourner')).toBe(0))
  expect(await works.on('lares.deadletter')).toHaveLength(1)
  expect(seen.toSorted()).toEqual(['lares.deadletter.recorded', 'lares.message.received'])
  const passedOver = warned.mock.calls.filter(([, message]) => message.includes('passed over'))
  expect(passedOver).toHaveLength(2)
  warned.mockRestore()
})

test('waits grow, heed Retry-After, and hold only their own conversation', async () => {
  const waits: number[] = []
  const log = { ...quiet, debug: (fields: object) => void waits.push(...waitIn(fields)) }
  const loud = await openWorks({ ...log, child: () => ({ ...log, child: () => log as never }) } as never)
  const seen: string[] = []
  loud.deploy(
    stage(event => {
      seen.push(event.id)
      if (event.id !== 'a1') return
      if (timesOf(seen, 'a1') === 3) throw new LaresError('failed', 'slowly', { retryAfterMs: 50 })
      if (timesOf(seen, 'a1') < 5) throw new Error('not yet')
    }),
  )
  await loud.start({ random: () => 0, retry: { baseMs: 4, maxMs: 12 } })
  await loud.events.publish([message('a1', 'a'), message('a2', 'a'), message('b1', 'b')])
  await until(() => expect(seen.at(-1)).toBe('a2'))
  expect(waits).toEqual([2, 4, 50, 6])
  expect(seen.filter(id => id !== 'b1')).toEqual(['a1', 'a1', 'a1', 'a1', 'a1', 'a2'])
  expect(seen.indexOf('b1')).toBeLessThan(2)
  await loud.close()
})

test.each([
  ['no event', { value: Buffer.from('hello') }],
  [
    'an event of an unknown type',
    { headers: { ...toRecord(message('x', 'a')).headers, ce_type: 'com.example.some' } },
  ],
  ['an event with wrong data', { value: Buffer.from('{"text": 1}') }],
])(
  'a record that is %s is a dead letter at once, with its bytes, and its conversation goes on',
  async (_, wrong) => {
    works.deploy(stage(event => result(event.id)))
    await works.start()
    const record = { ...toRecord(message('x', 'a')), headers: {}, ...wrong }
    await works.bus.publish([record])
    await works.events.publish([message('a1', 'a')])
    await until(async () => expect(await works.results()).toEqual(['a1']))
    expect(await works.dead()).toMatchObject([
      { tries: 1, raw: record.value.toString('base64'), headers: record.headers, topic: 'lares.message' },
    ])
    expect((await works.on('lares.deadletter'))[0]!.subject).toBe('a')
  },
)

test.each([
  ['none', '', 'unknown'],
  ['one that is too long', 'x'.repeat(300), 'x'.repeat(255)],
  ['one of control characters', 'a\0b', 'a\ufffdb'],
])(
  'a record with a key that is no conversation (%s) makes a dead letter that can be read',
  async (_, key, subject) => {
    works.deploy(stage(() => undefined))
    await works.start()
    await works.bus.publish([{ topic: 'lares.message', key, headers: {}, value: Buffer.from('x') }])
    await until(async () => expect((await works.on('lares.deadletter'))[0]).toMatchObject({ subject }))
  },
)

test('a dead letter that cannot be handled makes no other one, and is tried on', async () => {
  let tries = 0
  works.deploy(
    defineFunction<'lares.deadletter.recorded'>({
      name: 'mourner',
      receives: ['lares.deadletter.recorded'],
      emits: ['lares.result.returned'],
      handle() {
        if (++tries < 9) throw new LaresError('rejected', 'I cannot bear it')
        return result('buried')
      },
    }),
  )
  works.deploy(
    stage(() => {
      throw new LaresError('rejected', 'never')
    }),
  )
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['buried']))
  expect(await works.dead()).toHaveLength(1)
})

/** The log, which refuses while the test says so. */
function refusing(events: EventLog, refuse: (batch: LaresEvent[]) => LaresError | undefined): EventLog {
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
  works.deploy(
    stage(event => {
      seen.push(event.id)
      return result(event.id)
    }),
  )
  const events = refusing(works.events, () =>
    refusals++ < 8 ? new LaresError('unavailable', 'the broker is away') : undefined,
  )
  await works.start({ events })
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['a1']))
  expect([seen, await works.dead()]).toEqual([['a1'], []])
})

test('an answer that the bus never takes is a dead letter; one that cannot be published is tried on, alone', async () => {
  const seen: string[] = []
  let letters = 0
  works.deploy(
    stage(event => {
      seen.push(event.id)
      return result(event.id)
    }),
  )
  const events = refusing(works.events, ([event]) => {
    if (event!.type === 'lares.result.returned') return new LaresError('too_large', 'too much')
    return letters++ < 3 ? new LaresError('invalid_event', 'not even this') : undefined
  })
  await works.start({ events })
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.dead()).toMatchObject([{ error: { code: 'too_large' } }]))
  expect(seen).toEqual(['a1'])
})

test('streamed events are published while the function works, the others when it has ended, all in order', async () => {
  const held = gate()
  works.deploy(
    stage(async function* () {
      yield chunk(0)
      yield chunk(1)
      yield result('so far')
      await held.passed
      yield result('done')
    }),
  )
  await works.start()
  await works.events.publish([message('a1', 'a')])
  const offsets = async () =>
    ((await works.on('lares.stream')) as LaresEvent<'lares.stream.extended'>[]).map(({ data }) => data.offset)
  await until(async () => expect(await offsets()).toEqual([0, 1]))
  expect(await works.results()).toEqual([])
  held.open()
  await until(async () => expect(await works.results()).toEqual(['so far', 'done']))
})

test('a bus that fails while tokens stream loses none and keeps their order', async () => {
  let calls = 0
  works.deploy(
    stage(async function* () {
      for (let offset = 0; offset < 300; offset++) yield chunk(offset)
      yield result('done')
    }),
  )
  const events = refusing(works.events, () =>
    calls++ % 2 === 0 ? new LaresError('unavailable', 'every other time') : undefined,
  )
  await works.start({ events })
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['done']))
  const stream = (await works.on('lares.stream')) as LaresEvent<'lares.stream.extended'>[]
  expect(stream.map(({ data }) => data.offset)).toEqual(Array.from({ length: 300 }, (_, n) => n))
})

test('a bus that is away holds up a streaming function instead of filling the memory', async () => {
  let emitted = 0
  works.deploy(
    stage(async function* () {
      for (; emitted < 10_000; emitted++) yield chunk(emitted)
    }),
  )
  let refusals = 0
  const events = refusing(works.events, () => {
    refusals++
    return new LaresError('unavailable', 'the broker is away')
  })
  await works.start({ events })
  await works.events.publish([message('a1', 'a')])
  await until(() => expect(refusals).toBeGreaterThan(10))
  expect(emitted).toBeLessThan(100)
})

test('tokens that the bus refuses for good end the try in order, also when the connector stops meanwhile', async () => {
  const held = gate()
  works.deploy(
    stage(async function* () {
      yield chunk(0)
      yield chunk(1)
      await held.passed
    }),
  )
  let isFinal = true
  const events = refusing(works.events, ([event]) => {
    if (event!.type !== 'lares.stream.extended') return undefined
    return isFinal ? new LaresError('too_large', 'too much') : new LaresError('unavailable', 'away')
  })
  const connector = await works.start({ events })
  await works.events.publish([message('a1', 'a')])
  held.open()
  await until(async () => expect(await works.dead()).toMatchObject([{ error: { code: 'too_large' } }]))
  isFinal = false
  await works.events.publish([message('a2', 'a')])
  await until(async () => expect(await works.lag()).toBe(1))
  await connector.close()
  expect(await works.lag()).toBe(1)
})

test('a try that fails after some tokens starts again with the same ids', async () => {
  let tries = 0
  works.deploy(
    stage(async function* () {
      yield chunk(0)
      yield chunk(1)
      if (++tries < 3) throw new Error('the model fell over')
      yield result('done')
    }),
  )
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['done']))
  const stream = (await works.on('lares.stream')) as LaresEvent<'lares.stream.extended'>[]
  expect(stream.map(({ data }) => data.offset)).toEqual([0, 1, 0, 1, 0, 1])
  expect(new Set(stream.map(({ id }) => id)).size).toBe(2)
})

test('what JSON cannot say is a dead letter, not a reason to publish for ever', async () => {
  works.deploy(stage(() => ({ ...result('x'), data: { ...result('x').data, data: 1n } }) as never))
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.dead()).toMatchObject([{ error: { code: 'invalid_event' } }]))
})

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const waitIn = (fields: object): number[] => ('againInMs' in fields ? [Number(fields.againInMs)] : [])
