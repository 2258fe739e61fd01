import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineFunction } from '../../shared/contract/definition.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { type ConnectorTestBed, openConnectorTestBed, resultDraft, waitUntil } from './connector.fixture.ts'

let testBed: ConnectorTestBed

beforeEach(async () => {
  testBed = await openConnectorTestBed()
})
afterEach(() => testBed.close())

const diceSkill = defineFunction<'lares.skill.dice.requested'>({
  name: 'dice',
  receives: ['lares.skill.dice.requested'],
  emits: ['lares.result.returned'],
  handle: event => resultDraft(event.data.text),
})

const diceRequest = (id: string) =>
  createRootEvent({
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
  testBed.deploy(diceSkill)
  await testBed.start({ now: () => now })
  await testBed.events.publish([diceRequest('before')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['before']))
  testBed.undeploy('dice')
  const late = Array.from({ length: 3 }, (_, n) => diceRequest(`late-${n}`))
  await waitUntil(async () => {
    now += 500
    await testBed.events.publish(late)
    expect(await testBed.deadLetters()).toContainEqual(
      expect.objectContaining({ error: expect.objectContaining({ message: 'the skill dice was removed' }) }),
    )
  })
  testBed.deploy(diceSkill)
  await waitUntil(async () => {
    await testBed.events.publish([diceRequest('again')])
    expect(await testBed.results()).toContain('again')
  })
})

test('what is replaced is away for a moment, and loses nothing', async () => {
  testBed.deploy(diceSkill)
  await testBed.start()
  await testBed.events.publish([diceRequest('before')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['before']))
  testBed.undeploy('dice')
  await testBed.events.publish([diceRequest('between')])
  testBed.deploy(diceSkill)
  await waitUntil(async () => expect(await testBed.results()).toEqual(['before', 'between']))
  expect(await testBed.deadLetters()).toEqual([])
})
