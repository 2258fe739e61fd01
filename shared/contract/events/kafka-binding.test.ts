import { CloudEvent, Kafka } from 'cloudevents'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LaresEvent } from './event.ts'
import { messageEvent } from './examples.fixture.ts'
import { toJson } from './http-binding.ts'
import { eventFromRecord, eventToRecord } from './kafka-binding.ts'

const anyText = fc.string({ unit: 'binary' })

test('attributes are headers with the prefix ce_, the key is the partition key (Kafka binding, sections 3.1 and 3.2)', () => {
  const event = messageEvent('hello')
  const { topic, key, headers, value } = eventToRecord(event)
  expect([topic, key]).toEqual(['lares.message', 'talk-1'])
  // As in the example of section 3.2.5: partitionkey stays an attribute (section 3.1).
  expect(headers).toEqual({
    ce_specversion: '1.0',
    ce_type: 'lares.message.received',
    ce_source: '/lares/gateway',
    ce_id: '018f0000-0000-7000-8000-000000000000',
    ce_time: '2026-05-01T12:00:00.123Z',
    ce_subject: 'talk-1',
    ce_partitionkey: 'talk-1',
    ce_correlationid: '018f0000-0000-7000-8000-000000000000',
    ce_traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'content-type': 'application/json',
  })
  expect(JSON.parse(value.toString())).toEqual(event.data)
})

test('any conversation and text come back as they were', () => {
  const clean = anyText.filter(text => /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(text))
  fc.assert(
    fc.property(clean, anyText, (conversation, text) => {
      const event = messageEvent(text, { conversation })
      expect(eventFromRecord(eventToRecord(event))).toEqual(event)
    }),
  )
})

test('an event whose data is elsewhere is a record without a value (section 3.2.2)', () => {
  const { data: _, ...rest } = messageEvent('x')
  const event = { ...rest, dataref: 'lares-object:events/1' } as unknown as LaresEvent
  expect(eventToRecord(event).value).toHaveLength(0)
  expect(eventFromRecord(eventToRecord(event))).toEqual(event)
})

test('the structured mode of section 3.3.4 is read', () => {
  const value = Buffer.from(toJson({ ...messageEvent('x'), causationid: null }))
  const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
  expect(eventFromRecord({ headers, value })).toEqual(messageEvent('x'))
})

test.each([
  ['of another program', { headers: {}, value: Buffer.from('hello') }, 'invalid_event'],
  ['without anything', { headers: {}, value: Buffer.alloc(0) }, 'invalid_event'],
  ['of bytes', { ...eventToRecord(messageEvent('x')), value: Buffer.from([255, 0, 1]) }, 'invalid_event'],
  [
    'of another format',
    { ...eventToRecord(messageEvent('x')), headers: { 'content-type': 'application/avro' } },
    'unsupported_media_type',
  ],
  [
    'of an unknown type',
    {
      ...eventToRecord(messageEvent('x')),
      headers: { ...eventToRecord(messageEvent('x')).headers, ce_type: 'com.example.someevent' },
    },
    'unknown_type',
  ],
])('a record %s is refused for good', (_, record, code) => {
  expect(() => eventFromRecord(record)).toThrow(expect.objectContaining({ code, retryable: false }))
})

test.each(['日程 🙂', 'a"b\\c', '100% sure', 'ümläut'])(
  'the cloudevents library reads "%s" from us, and we from it',
  text => {
    const event = { ...messageEvent(text, { conversation: text }), tenant: 'north' } as LaresEvent
    const record = eventToRecord(event)
    const read = Kafka.toEvent({ ...record, body: record.value } as never) as CloudEvent
    expect(JSON.parse(JSON.stringify(read))).toEqual(event)
    // No client puts an undefined header on the wire.
    const binary = JSON.parse(JSON.stringify(Kafka.binary(new CloudEvent({ ...event }) as never)))
    expect(
      eventFromRecord({ headers: binary.headers, value: Buffer.from(JSON.stringify(binary.value)) }),
    ).toEqual(event)
    const structured = Kafka.structured(new CloudEvent({ ...event }) as never)
    expect(
      eventFromRecord({
        headers: structured.headers as never,
        value: Buffer.from(structured.value as string),
      }),
    ).toEqual(event)
  },
)
