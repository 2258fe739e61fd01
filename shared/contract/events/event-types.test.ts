import { expect, test } from 'vitest'
import { parseEventData } from './event.ts'
import { dataSchemaOf, type EventType, eventTypePatterns, skillRequestType, topicOf } from './event-types.ts'
import { exampleData } from './examples.fixture.ts'

/** The types of the design's table. */
const DESIGNED_TYPES = [
  'lares.context.recalled',
  'lares.deadletter.recorded',
  'lares.facts.learnt',
  'lares.generation.completed',
  'lares.intent.recognised',
  'lares.learning.requested',
  'lares.media.requested',
  'lares.message.received',
  'lares.message.transcribed',
  'lares.prompt.composed',
  'lares.reply.completed',
  'lares.result.returned',
  'lares.skill.*.requested',
  'lares.stream.extended',
  'lares.timer.fired',
  'lares.webhook.*.received',
]

const concreteType = (pattern: string) => pattern.replace('*', 'some-name') as EventType

test('every type of the table has a schema, and there is no other type', () => {
  expect([...eventTypePatterns].sort()).toEqual(DESIGNED_TYPES)
  expect(Object.keys(exampleData).sort()).toEqual(DESIGNED_TYPES)
})

test.each(eventTypePatterns)(
  '%s takes its example as it is, and refuses a key that it does not know',
  pattern => {
    const example = exampleData[pattern] as object
    expect(parseEventData(concreteType(pattern), example)).toEqual(example)
    expect(() => parseEventData(concreteType(pattern), { ...example, surplus: 1 })).toThrow(/surplus/)
    for (const nonsense of [undefined, null, 7, 'text', []])
      expect(() => parseEventData(concreteType(pattern), nonsense)).toThrow(
        `the data of "${concreteType(pattern)}" is wrong`,
      )
  },
)

test.each(eventTypePatterns)('%s misses what it must have, by its name', pattern => {
  const schema = dataSchemaOf(concreteType(pattern))!
  for (const [key, value] of Object.entries(exampleData[pattern] as object)) {
    const { [key]: _, ...rest } = exampleData[pattern] as Record<string, unknown>
    const result = schema.safeParse(rest)
    if (!result.success) expect(result.error.issues[0]!.path).toEqual([key])
    else expect(result.data).not.toHaveProperty(key, value)
  }
})

test('what has a default may be left out', () => {
  const { attachments: _, ...bare } = exampleData['lares.message.received'] as Record<string, unknown>
  expect(parseEventData('lares.message.received', bare)).toMatchObject({ attachments: [] })
})

test.each([
  'lares.skill.*.requested',
  'lares.skill..requested',
  'lares.skill.A.requested',
  'lares.skill.a.b.requested',
  'lares.skill.a.received',
  `lares.skill.${'a'.repeat(64)}.requested`,
  'lares.message',
  'lares.message.received.',
  'constructor',
  '__proto__',
  '',
])('"%s" is no type', type => {
  expect(dataSchemaOf(type)).toBeUndefined()
  expect(() => parseEventData(type as EventType, {})).toThrow(`Lares has no event type "${type}"`)
})

test('a topic is a type without its last word', () => {
  expect(topicOf('lares.message.received')).toBe('lares.message')
  expect(topicOf(skillRequestType('time'))).toBe('lares.skill.time')
})
