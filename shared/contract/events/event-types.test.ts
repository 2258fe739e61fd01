import { expect, test } from 'vitest'
import { checkData } from './event.ts'
import { type EventType, schemaOf, skillType, topicOf, typePatterns } from './event-types.ts'
import { examples } from './examples.fixture.ts'

/** The types of the design's table. */
const TABLE = [
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

const named = (pattern: string) => pattern.replace('*', 'some-name') as EventType

test('every type of the table has a schema, and there is no other type', () => {
  expect([...typePatterns].sort()).toEqual(TABLE)
  expect(Object.keys(examples).sort()).toEqual(TABLE)
})

test.each(typePatterns)('%s takes its example as it is, and refuses a key that it does not know', pattern => {
  const example = examples[pattern] as object
  expect(checkData(named(pattern), example)).toEqual(example)
  expect(() => checkData(named(pattern), { ...example, surplus: 1 })).toThrow(/surplus/)
  for (const nonsense of [undefined, null, 7, 'text', []])
    expect(() => checkData(named(pattern), nonsense)).toThrow(`the data of "${named(pattern)}" is wrong`)
})

test.each(typePatterns)('%s misses what it must have, by its name', pattern => {
  const schema = schemaOf(named(pattern))!
  for (const [key, value] of Object.entries(examples[pattern] as object)) {
    const { [key]: _, ...rest } = examples[pattern] as Record<string, unknown>
    const result = schema.safeParse(rest)
    if (!result.success) expect(result.error.issues[0]!.path).toEqual([key])
    else expect(result.data).not.toHaveProperty(key, value)
  }
})

test('what has a default may be left out', () => {
  const { attachments: _, ...bare } = examples['lares.message.received'] as Record<string, unknown>
  expect(checkData('lares.message.received', bare)).toMatchObject({ attachments: [] })
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
  expect(schemaOf(type)).toBeUndefined()
  expect(() => checkData(type as EventType, {})).toThrow(`Lares has no event type "${type}"`)
})

test('a topic is a type without its last word', () => {
  expect(topicOf('lares.message.received')).toBe('lares.message')
  expect(topicOf(skillType('time'))).toBe('lares.skill.time')
})
