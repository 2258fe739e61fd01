import { CloudEvent, HTTP, type Message } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LaresEvent } from './event.ts'
import { messageEvent } from './examples.fixture.ts'
import {
  BATCH_MEDIA_TYPE,
  decodeHeader,
  encodeHeader,
  eventFromHttp,
  eventsFromHttp,
  eventToHttp,
  STRUCTURED_MEDIA_TYPE,
  toJson,
} from './http-binding.ts'

const anyText = fc.string({ unit: 'binary' })
const SPECIAL_CHARACTER_TEXTS = [
  '日程 🙂',
  'a"b\\c',
  '100% sure',
  ' spaces ',
  "quo'te",
  'ümläut',
  '\u2028line',
  '%41',
  '"quoted"',
]

describe('header values (CloudEvents HTTP protocol binding, section 3.1.3.2)', () => {
  test("the specification's own example is encoded as it says", () => {
    expect(encodeHeader('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80')
    expect(decodeHeader('Euro%20%E2%82%AC%20%F0%9F%98%80')).toBe('Euro € 😀')
  })
  test('space, double quote, percent and whatever is not printable ASCII are encoded, and nothing else', () => {
    for (let code = 0; code < 0x100; code++) {
      const character = String.fromCodePoint(code)
      const plain = code > 0x20 && code < 0x7f && character !== '"' && character !== '%'
      expect(encodeHeader(character) === character).toBe(plain)
    }
  })
  test('needless and lower-case encoding is understood, and so are the quotes of older writers', () => {
    expect(decodeHeader('%41%c3%bc')).toBe('Aü')
    expect(decodeHeader('"a \\"b\\" \\\\ %20c"')).toBe('a "b" \\  c')
    expect(decodeHeader('"')).toBe('"')
    expect(decodeHeader('""')).toBe('')
  })
  test.each(['%C0%A0', '%', '%4', '%zz', '%E2%82', '%ED%A0%80'])('"%s" is refused: it is no UTF-8', value => {
    expect(() => decodeHeader(value)).toThrow(expect.objectContaining({ code: 'invalid_event' }))
  })
  test('any text comes back as it was, by way of printable ASCII', () => {
    fc.assert(
      fc.property(anyText, text => {
        const encoded = encodeHeader(text)
        expect(encoded).toMatch(/^[\x21-\x7e]*$/)
        expect(decodeHeader(encoded)).toBe(text)
      }),
    )
  })
  test('half a character becomes the replacement character instead of an exception', () => {
    expect(decodeHeader(encodeHeader('a\ud800b'))).toBe('a\ufffdb')
  })
})

describe('binary mode (section 3.1)', () => {
  test('attributes are headers with the prefix ce-, the content type is the data type, the body is the data', () => {
    // The names of section 3.1.3.1 and the example of section 3.1.4, with an event of Lares.
    const event = messageEvent('hello')
    const { headers, body } = eventToHttp(event)
    expect(headers).toEqual({
      'ce-specversion': '1.0',
      'ce-type': 'lares.message.received',
      'ce-time': '2026-05-01T12:00:00.123Z',
      'ce-id': '018f0000-0000-7000-8000-000000000000',
      'ce-source': '/lares/gateway',
      'ce-subject': 'talk-1',
      'ce-partitionkey': 'talk-1',
      'ce-correlationid': '018f0000-0000-7000-8000-000000000000',
      'ce-traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'content-type': 'application/json',
    })
    expect(JSON.parse(body.toString())).toEqual(event.data)
  })

  test("the example's content type, with a charset, is understood; so is a message without one", () => {
    const { headers, body } = eventToHttp(messageEvent('hello'))
    const { 'content-type': _, ...without } = headers
    for (const given of [{ ...headers, 'content-type': 'application/json; charset=utf-8' }, without])
      expect(eventFromHttp(given, body)).toEqual(messageEvent('hello'))
  })

  test('any conversation and text come back as they were', () => {
    const clean = anyText.filter(text => /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(text))
    fc.assert(
      fc.property(clean, anyText, (conversation, text) => {
        const event = messageEvent(text, { conversation })
        const { headers, body } = eventToHttp(event)
        expect(eventFromHttp(headers, body)).toEqual(event)
      }),
    )
  })

  test('a number and a boolean of an extension travel as text (section 3.1.3, canonical strings)', () => {
    const { headers, body } = eventToHttp({ ...messageEvent('x'), priority: 5, urgent: true } as LaresEvent)
    expect(eventFromHttp(headers, body)).toMatchObject({ priority: '5', urgent: 'true' })
  })

  test('an event whose data is elsewhere has no body', () => {
    const { data: _, ...rest } = messageEvent('x')
    const event = { ...rest, dataref: 'lares-object:events/1' } as unknown as LaresEvent
    const { headers, body } = eventToHttp(event)
    expect(body).toHaveLength(0)
    expect(eventFromHttp(headers, body)).toEqual(event)
  })

  test('data that JSON cannot say is refused for good', () => {
    for (const data of [{ big: 1n }, cyclicObject()])
      expect(() => eventToHttp({ ...messageEvent('x'), data } as never)).toThrow(
        expect.objectContaining({ code: 'invalid_event', retryable: false }),
      )
  })
})

describe('structured and batched mode (sections 3.2 and 3.3, JSON format)', () => {
  const structured = (value: unknown, contentType = STRUCTURED_MEDIA_TYPE) =>
    eventFromHttp({ 'content-type': contentType }, Buffer.from(JSON.stringify(value)))

  test('an attribute that is null is not set (JSON format, section 2.2)', () => {
    expect(structured({ ...messageEvent('x'), causationid: null, tenant: null })).toEqual(messageEvent('x'))
    expect(() => structured({ ...messageEvent('x'), subject: null })).toThrow(/subject/)
  })
  test('a missing datacontenttype means JSON (JSON format, section 3.1.1)', () => {
    const { datacontenttype: _, ...bare } = messageEvent('x')
    expect(structured(bare)).toEqual(messageEvent('x'))
    expect(structured({ ...bare, datacontenttype: 'application/json; charset=utf-8' })).toEqual(
      messageEvent('x'),
    )
    expect(() => structured({ ...bare, datacontenttype: 'application/xml' })).toThrow(
      expect.objectContaining({ code: 'unsupported_media_type' }),
    )
  })
  test('the media type is read whatever its case and parameters', () => {
    expect(structured(messageEvent('x'), 'Application/CloudEvents+JSON; charset=UTF-8')).toEqual(
      messageEvent('x'),
    )
    expect(() => structured(messageEvent('x'), 'application/cloudevents+avro')).toThrow(
      expect.objectContaining({ code: 'unsupported_media_type' }),
    )
  })
  test('a batch may be empty (JSON format, section 4.3), and is a list of events or refused', () => {
    const batch = (text: string) =>
      eventsFromHttp({ 'content-type': `${BATCH_MEDIA_TYPE}; charset=utf-8` }, Buffer.from(text))
    expect(batch('[]')).toEqual([])
    expect(batch(toJson([messageEvent('a'), messageEvent('b')]))).toEqual([
      messageEvent('a'),
      messageEvent('b'),
    ])
    for (const wrong of ['{}', '[7]', '[null]', 'nothing'])
      expect(() => batch(wrong)).toThrow(expect.objectContaining({ code: 'invalid_event' }))
  })
  test.each(['null', '7', '"text"', '[]', '{}'])('%s is no event', text => {
    expect(() => eventFromHttp({ 'content-type': STRUCTURED_MEDIA_TYPE }, Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'invalid_event' }),
    )
  })
  test('nothing of a hostile object reaches a prototype', () => {
    const text = `{"__proto__": {"polluted": true}, ${toJson(messageEvent('x')).slice(1)}`
    const event = eventFromHttp({ 'content-type': STRUCTURED_MEDIA_TYPE }, Buffer.from(text))
    expect(event).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
  })
})

describe('the cloudevents library', () => {
  const read = (message: Message) => plain(HTTP.toEvent(message) as CloudEvent)

  test('reads what we write', () => {
    const event = { ...messageEvent('日程 100% "x" 🙂'), tenant: 'north' } as LaresEvent
    const { headers, body } = eventToHttp(event)
    expect(read({ headers, body: body.toString() })).toEqual(event)
    expect(read({ headers: { 'content-type': STRUCTURED_MEDIA_TYPE }, body: toJson(event) })).toEqual(event)
    const batch = HTTP.toEvent({
      headers: { 'content-type': BATCH_MEDIA_TYPE },
      body: toJson([event, event]),
    })
    expect((batch as CloudEvent[]).map(plain)).toEqual([event, event])
  })

  // The library (10.0.0) writes and reads header values unchanged, without section 3.1.3.2.
  test.each(SPECIAL_CHARACTER_TEXTS)(
    'reads a conversation named "%s" as the specification encodes it',
    conversation => {
      const event = messageEvent('x', { conversation })
      const { headers, body } = eventToHttp(event)
      expect(read({ headers, body: body.toString() })).toMatchObject({
        subject: encodeHeader(conversation),
        data: event.data,
      })
      expect(read({ headers: { 'content-type': STRUCTURED_MEDIA_TYPE }, body: toJson(event) })).toEqual(event)
    },
  )

  test.each(SPECIAL_CHARACTER_TEXTS)(
    'writes "%s" so that we read it, in its data and in structured mode',
    text => {
      const event = messageEvent(text, { conversation: 'talk-1' })
      const written = new CloudEvent({ ...event, tenant: 'north' })
      for (const message of [HTTP.binary(written), HTTP.structured(written)])
        expect(eventFromHttp(message.headers as never, Buffer.from(message.body as string))).toEqual({
          ...event,
          tenant: 'north',
        })
      const named = HTTP.structured(new CloudEvent({ ...messageEvent(text, { conversation: text }) }))
      expect(eventFromHttp(named.headers as never, Buffer.from(named.body as string)).subject).toBe(text)
    },
  )
})

const plain = (event: CloudEvent) => JSON.parse(JSON.stringify(event))

function cyclicObject(): unknown {
  const round: { self?: unknown } = {}
  round.self = round
  return round
}
