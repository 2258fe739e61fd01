import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineFunction } from '../../shared/contract/definition.ts'
import { firstEvent } from '../../shared/contract/events/event.ts'
import { openWorks, result, until, type Works } from './connector.fixture.ts'

let works: Works

beforeEach(async () => {
  works = await openWorks()
})
afterEach(() => works.close())

const dice = defineFunction<'lares.skill.dice.requested'>({
  name: 'dice',
  receives: ['lares.skill.dice.requested'],
  emits: ['lares.result.returned'],
  handle: event => result(event.data.text),
})

const request = (id: string) =>
  firstEvent({
    id,
    source: '/lares/tests',
    type: 'lares.skill.dice.requested',
    conversation: id,
    data: {
      callId: id,
      step: 0,
      person: 'owner',
      input: null,
      text: id,
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
    },
  })

test('what is asked of a skill that was removed fails for good, and what is asked when it is back is answered', async () => {
  let now = Date.now()
  works.deploy(dice)
  await works.start({ now: () => now })
  await works.events.publish([request('before')])
  await until(async () => expect(await works.results()).toEqual(['before']))
  works.withdraw('dice')
  const late = Array.from({ length: 3 }, (_, n) => request(`late-${n}`))
  await until(async () => {
    now += 500
    await works.events.publish(late)
    expect(await works.dead()).toContainEqual(
      expect.objectContaining({ error: expect.objectContaining({ message: 'the skill dice was removed' }) }),
    )
  })
  works.deploy(dice)
  await until(async () => {
    await works.events.publish([request('again')])
    expect(await works.results()).toContain('again')
  })
})

test('what is replaced is away for a moment, and loses nothing', async () => {
  works.deploy(dice)
  await works.start()
  await works.events.publish([request('before')])
  await until(async () => expect(await works.results()).toEqual(['before']))
  works.withdraw('dice')
  await works.events.publish([request('between')])
  works.deploy(dice)
  await until(async () => expect(await works.results()).toEqual(['before', 'between']))
  expect(await works.dead()).toEqual([])
})
