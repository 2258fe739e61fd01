import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../base/errors.ts'
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts'
import { defineFunction } from './definition.ts'
import type { LaresEvent } from './events/event.ts'
import { MAX_DATA_BYTES, openEventLog } from './events/event-log.ts'
import { derivedId } from './events/ids.ts'
import { eventFromRecord } from './events/kafka-binding.ts'
import type { Invocable } from './invoke.ts'
import {
  type FunctionTestBed,
  openFunctionTestBed,
  parrotFunction,
  resultDraft,
  skillRequestEvent,
  streamDraft,
} from './serve.fixture.ts'

let testBed: FunctionTestBed

beforeEach(async () => {
  testBed = await openFunctionTestBed()
})
afterEach(() => testBed.close())

async function collectEvents(one: Invocable, event: LaresEvent, signal?: AbortSignal): Promise<LaresEvent[]> {
  const events: LaresEvent[] = []
  for await (const made of one.invoke(event, signal)) events.push(made)
  return events
}

test('the same event gives the same ids again, whichever way its answers are given', async () => {
  const list = testBed.invocable(parrotFunction(() => [resultDraft('one'), resultDraft('two')]))
  const stream = testBed.invocable(
    parrotFunction(async function* () {
      yield resultDraft('one')
      yield resultDraft('two')
    }),
  )
  const ids = async (one: Invocable) =>
    (await collectEvents(one, skillRequestEvent('x', { id: 'the-cause' }))).map(({ id }) => id)
  const expected = [derivedId('the-cause', 'parrot', 0), derivedId('the-cause', 'parrot', 1)]
  expect([await ids(list), await ids(list), await ids(stream)]).toEqual([expected, expected, expected])
})

test('what is emitted continues the trace, and may go to another conversation and turn', async () => {
  const one = testBed.invocable(
    parrotFunction(() => [
      resultDraft('here'),
      { ...resultDraft('there'), subject: 'talk-2', correlationid: 'turn-2' },
    ]),
  )
  const [here, there] = await collectEvents(one, skillRequestEvent('x'))
  expect(here).toMatchObject({ subject: 'talk-1', partitionkey: 'talk-1', correlationid: 'said-1' })
  expect(there).toMatchObject({ subject: 'talk-2', partitionkey: 'talk-2', correlationid: 'turn-2' })
  expect(here!.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
  expect(here!.traceparent).not.toBe(there!.traceparent)
})

test.each([
  ['a number', 7],
  ['text', 'hello'],
  ['a list of nonsense', ['hello']],
  ['an object that is no event', { text: 'hello' }],
  ['an event without data', { type: 'lares.result.returned' }],
  ['an event with wrong data', { type: 'lares.result.returned', data: { text: 'hello' } }],
  ['an event with an empty conversation', { ...resultDraft('x'), subject: '' }],
  ['an event with a conversation of a wrong type', { ...resultDraft('x'), subject: 7 }],
  ['an event with half a character in its conversation', { ...resultDraft('x'), subject: 'a\ud800' }],
])('a function that gives back %s has failed for good', async (_, nonsense) => {
  const one = testBed.invocable(parrotFunction(() => nonsense as never))
  await expect(collectEvents(one, skillRequestEvent('x'))).rejects.toMatchObject({
    code: 'invalid_result',
    retryable: false,
  })
})

test('a type that is not declared is refused, and so is one that does not exist', async () => {
  const emits = (type: string) =>
    testBed.invocable(parrotFunction(() => ({ ...resultDraft('x'), type }) as never))
  await expect(collectEvents(emits('lares.timer.fired'), skillRequestEvent('x'))).rejects.toMatchObject({
    code: 'undeclared_event',
    message: 'parrot emitted lares.timer.fired, which it does not declare in "emits"',
  })
  const wild = testBed.invocable(
    parrotFunction(() => ({ ...resultDraft('x'), type: 'lares.skill.Not A Name.requested' }) as never, {
      emits: ['lares.skill.*.requested'],
    }),
  )
  await expect(collectEvents(wild, skillRequestEvent('x'))).rejects.toMatchObject({ code: 'invalid_result' })
})

test('a declared "*" stands for one name', async () => {
  const emitting = (skill: string) =>
    parrotFunction(
      () => ({ type: `lares.skill.${skill}.requested`, data: skillRequestEvent('x').data }) as never,
      {
        emits: ['lares.skill.*.requested'],
      },
    )
  expect(await collectEvents(testBed.invocable(emitting('crow')), skillRequestEvent('x'))).toMatchObject([
    { type: 'lares.skill.crow.requested' },
  ])
  await expect(collectEvents(testBed.invocable(emitting('')), skillRequestEvent('x'))).rejects.toMatchObject({
    code: 'undeclared_event',
  })
})

test('a deadline ends the wait for a function and for a stream, and aborts their signal', async () => {
  const signals: AbortSignal[] = []
  const never = new Promise<never>(() => undefined)
  const silent = parrotFunction(
    (_, { signal }) => {
      signals.push(signal)
      return never
    },
    { timeoutMs: 10 },
  )
  const halting = parrotFunction(
    async function* (_, { signal }) {
      signals.push(signal)
      yield streamDraft(0, 'x')
      await never
    },
    { timeoutMs: 10 },
  )
  for (const definition of [silent, halting])
    await expect(collectEvents(testBed.invocable(definition), skillRequestEvent('x'))).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'parrot did not finish within 10 ms',
    })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
})

test('what a function throws after its deadline disturbs nobody', async () => {
  const late = Promise.withResolvers<never>()
  const cleaned = vi.fn()
  const one = testBed.invocable(
    parrotFunction(
      async function* () {
        try {
          yield streamDraft(0, 'x')
          await late.promise
        } finally {
          cleaned()
        }
      },
      { timeoutMs: 10 },
    ),
  )
  await expect(collectEvents(one, skillRequestEvent('x'))).rejects.toMatchObject({
    code: 'deadline_exceeded',
  })
  late.reject(new Error('too late'))
  await vi.waitFor(() => expect(cleaned).toHaveBeenCalled())
})

test('an iterator that is no generator is taken, whatever its return gives', async () => {
  const items = [resultDraft('one')]
  const handmade = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ value: items.shift(), done: items.length === 0 && items.shift() === undefined }),
      return: () => 'nonsense',
    }),
  }
  expect(
    await collectEvents(testBed.invocable(parrotFunction(() => handmade as never)), skillRequestEvent('x')),
  ).toEqual([])
})

test('a caller that stops reading ends the function and frees its place', async () => {
  const cleaned = vi.fn()
  const one = testBed.invocable(
    parrotFunction(
      async function* () {
        try {
          for (let n = 0; ; n++) yield streamDraft(n, 'x')
        } finally {
          cleaned()
        }
      },
      { concurrency: 1 },
    ),
  )
  for (let round = 1; round <= 2; round++) {
    for await (const event of one.invoke(skillRequestEvent('x')))
      if ((event.data as { offset: number }).offset === 3) break
    expect(cleaned).toHaveBeenCalledTimes(round)
  }
})

test('a caller that has gone before the start is told so, and nothing stays behind', async () => {
  const one = testBed.invocable(parrotFunction(() => wait(60_000).then(() => undefined), { concurrency: 1 }))
  for (let round = 0; round < 2; round++)
    await expect(collectEvents(one, skillRequestEvent('x'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'unavailable',
    })
})

test('large data travels by the object store, and its function sees it whole', async () => {
  const bus = openSqliteBus({ file: ':memory:' })
  await bus.ensureTopics([{ name: 'lares.skill.parrot' }])
  const log = openEventLog(bus, testBed.objects)
  const text = '很长'.repeat(100_000)
  await log.publish([
    skillRequestEvent('small', { id: 'before' }),
    skillRequestEvent(text, { id: 'large' }),
    skillRequestEvent('small', { id: 'after' }),
  ])
  const events = (await bus.read('lares.skill.parrot')).map(eventFromRecord)
  await bus.close()
  expect(events.map(({ id }) => id)).toEqual(['before', 'large', 'after'])
  expect(events[1]).toMatchObject({ dataref: 'lares-object:people/b3duZXI/events/large' })
  expect(events[1]).not.toHaveProperty('data')
  const seen: unknown[] = []
  const one = testBed.invocable(
    parrotFunction(event => {
      seen.push(event.data.text === text, 'dataref' in event)
    }),
  )
  expect(await collectEvents(one, events[1]!)).toEqual([])
  expect(seen).toEqual([true, false])
  const served = await testBed.serve(parrotFunction(({ data }) => resultDraft(String(data.text.length))))
  expect(await served.ask(events[1]!)).toMatchObject([{ data: { text: '200000' } }])
})

test('data above the limit is refused, and data that is not in the store is a final failure', async () => {
  const bus = openSqliteBus({ file: ':memory:' })
  const log = openEventLog(bus, testBed.objects)
  await expect(log.publish([skillRequestEvent('x'.repeat(MAX_DATA_BYTES))])).rejects.toMatchObject({
    code: 'too_large',
    retryable: false,
  })
  await bus.close()
  const { data: _, ...bare } = skillRequestEvent('x')
  const one = testBed.invocable(parrotFunction(() => undefined))
  const behind = (dataref: string) => collectEvents(one, { ...bare, dataref } as unknown as LaresEvent)
  await expect(behind('lares-object:events/gone')).rejects.toMatchObject({
    code: 'not_found',
    retryable: false,
  })
  await expect(behind('https://elsewhere.example/x')).rejects.toMatchObject({ code: 'invalid_event' })
  await expect(behind('lares-object:../../secret')).rejects.toMatchObject({ retryable: false })
  await testBed.objects.put('events/wrong', Buffer.from('{"text": 1}'))
  await expect(behind('lares-object:events/wrong')).rejects.toMatchObject({ code: 'invalid_event' })
})

test('a function gets what it uses, and cannot be joined without', async () => {
  const seen = vi.fn()
  const needy = defineFunction<'lares.message.received', 'assistant'>({
    name: 'needy',
    receives: ['lares.message.received'],
    emits: [],
    uses: ['assistant'],
    init: context => seen(context.assistant.name),
    handle: () => undefined,
  })
  expect(() => testBed.invocable(needy)).toThrow('needy uses "assistant", which this process has not opened')
  const assistant = { name: 'Lares' } as never
  await testBed.invocable(needy, { assistant, models: {} as never }).start()
  expect(seen).toHaveBeenCalledWith('Lares')
})

test.each([
  ['a name that no topic can carry', { name: 'My Parrot' }, 'needs a name'],
  ['no handler', { handle: undefined }, 'has no handle()'],
  ['no event to receive', { receives: [] }, 'names no event type in "receives"'],
  ['an unknown event', { receives: ['lares.parrot.spoken'] }, 'names "lares.parrot.spoken"'],
  ['an unknown answer', { emits: ['lares.*.spoken'] }, 'names "lares.*.spoken"'],
  ['no concurrency', { concurrency: 0 }, 'has a concurrency of 0'],
  ['a deadline beyond any timer', { timeoutMs: 2 ** 31 }, 'has a timeoutMs of 2147483648'],
])('a definition with %s is refused before its first event', (_, wrong, message) => {
  const definition = parrotFunction(() => undefined, wrong as never)
  expect(() => testBed.invocable(definition)).toThrow(LaresError)
  expect(() => testBed.invocable(definition)).toThrow(message)
})

test('what init returns is the state of every call, and of destroy', async () => {
  const destroyed: unknown[] = []
  const counting = defineFunction({
    name: 'parrot',
    receives: ['lares.skill.parrot.requested'],
    emits: ['lares.result.returned'],
    init: () => ({ calls: 0 }),
    handle: (_, { state }) => resultDraft(String(++state.calls)),
    destroy: state => void destroyed.push(state),
  })
  const one = testBed.invocable(counting)
  await one.start()
  const other = testBed.invocable(counting)
  const textOf = async (invocable: typeof one) =>
    (await collectEvents(invocable, skillRequestEvent('hello'))).map(
      ({ data }) => (data as { text: string }).text,
    )
  expect([await textOf(one), await textOf(one), await textOf(other)]).toEqual([['1'], ['2'], ['1']])
  await one.stop()
  expect(destroyed).toEqual([{ calls: 2 }])
})

test('a wrong retry policy is refused, and names the member', () => {
  const definition = { ...parrotFunction(() => undefined), retry: { attempts: 3 } as never }
  expect(() => testBed.invocable(definition)).toThrow(/"parrot" has a wrong "retry".*attempts/s)
})

test('a service by its old name is refused, and the error says the new one', () => {
  const definition = { ...parrotFunction(() => undefined), uses: ['documents'] as never }
  expect(() => testBed.invocable(definition)).toThrow(
    /uses "documents", which is called "records" now: rename it/,
  )
  const unknown = { ...parrotFunction(() => undefined), uses: ['database'] as never }
  expect(() => testBed.invocable(unknown)).toThrow(
    /uses "database", which is no service: there are models, store/,
  )
})
