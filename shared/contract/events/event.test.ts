import type { CloudEventV1 } from 'cloudevents'
import { expect, expectTypeOf, test } from 'vitest'
import { createCausedEvent, createRootEvent, type LaresEvent, newTraceparent, parseEvent } from './event.ts'
import { messageEvent } from './examples.fixture.ts'
import { derivedId, keyedId, newId } from './ids.ts'

const CAUSE = '018f0000-0000-7000-8000-000000000000'

test('an event of Lares is an event of the cloudevents library', () => {
  expectTypeOf<LaresEvent>().toExtend<CloudEventV1<unknown>>()
  expectTypeOf<LaresEvent<'lares.timer.fired'>>().toExtend<CloudEventV1<{ timerId: string }>>()
})

test('derived ids are those that any UUIDv5 gives (vectors from another implementation)', () => {
  expect(derivedId(CAUSE, 'dialog', 0)).toBe('4171b8ef-20fd-5221-a0ae-bf3cf50b1d63')
  expect(derivedId('原因', 'dialog', 1)).toBe('069b3a34-ae15-5102-aa87-996a73c584dc')
  expect(keyedId('owner', 'c', 'k')).toBe('1d7c9678-906e-5e3d-82a1-a18cb08e8ce6')
})

test('fresh ids are different and in the order of time', () => {
  const ids = Array.from({ length: 1_000 }, newId)
  expect(new Set(ids).size).toBe(1_000)
  expect([...ids].sort()).toEqual(ids)
})

test('an event continues the conversation, the turn and the trace of its cause', () => {
  const cause = messageEvent('hello')
  const draft = { type: 'lares.stream.extended', data: { step: 0, offset: 0, text: 'x' } } as const
  const event = createCausedEvent(draft, {
    function: 'generation',
    cause,
    index: 2,
    time: '2026-05-01T12:00:01Z',
  })
  const id = derivedId(CAUSE, 'generation', 2)
  expect(event).toEqual({
    specversion: '1.0',
    id,
    source: '/lares/functions/generation',
    type: 'lares.stream.extended',
    subject: 'talk-1',
    time: '2026-05-01T12:00:01Z',
    datacontenttype: 'application/json',
    partitionkey: 'talk-1',
    correlationid: CAUSE,
    causationid: CAUSE,
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-${id.replaceAll('-', '').slice(0, 16)}-01`,
    data: draft.data,
  })
  expect(parseEvent(event)).toEqual(event)
})

test('a new trace is one that W3C allows, and another each time', () => {
  expect(newTraceparent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(newTraceparent()).not.toBe(newTraceparent())
})

test('attributes of other extensions go along', () => {
  const event = { ...messageEvent('hello'), tenant: 'north', priority: 5, urgent: true }
  expect(parseEvent(event)).toEqual(event)
})

test.each([
  ['no id', { id: '' }],
  ['no conversation', { subject: undefined }],
  ['a conversation that is too long', { subject: 'x'.repeat(256) }],
  ['a control character in its conversation', { subject: 'a\nb' }],
  ['half a character in its key', { partitionkey: 'a\udc00' }],
  ['another version', { specversion: '0.3' }],
  ['a time that is none', { time: 'yesterday' }],
  ['another kind of data', { datacontenttype: 'text/plain' }],
  ['a trace that is none', { traceparent: '00-x-y-01' }],
  ['an attribute name that no header can carry', { 'x y': 'z' }],
  ['an attribute with capitals', { Tenant: 'z' }],
  ['an attribute that is an object', { tenant: { a: 1 } }],
  ['a claim check that is no text', { dataref: 7 }],
  ['no data', { data: undefined }],
])('an event with %s is refused', (_, wrong) => {
  expect(() => parseEvent({ ...messageEvent('hello'), ...wrong })).toThrow(
    expect.objectContaining({ code: 'invalid_event' }),
  )
})

test('what comes from outside is checked where it is made', () => {
  const { id, source, data } = messageEvent('hello')
  const first = { id, source, type: 'lares.message.received', conversation: 'c', data } as never
  expect(createRootEvent(first)).toMatchObject({ correlationid: id, subject: 'c', partitionkey: 'c' })
  expect(() => createRootEvent({ ...(first as object), conversation: '' } as never)).toThrow(/subject/)
  expect(() => createRootEvent({ ...(first as object), type: 'lares.nothing.said' } as never)).toThrow(
    expect.objectContaining({ code: 'unknown_type' }),
  )
})
