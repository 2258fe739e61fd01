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

/** Another deployed function that has the same topic, as after a rename or during a blue/green change. */
const tumblerFunction = defineFunction<'lares.skill.dice.requested'>({
  name: 'tumbler',
  receives: ['lares.skill.dice.requested'],
  emits: ['lares.result.returned'],
  handle: event => resultDraft(`tumbled ${event.data.text}`),
})

test('a skill that was removed while the connector was down ends the turns that wait for it', async () => {
  let now = Date.now()
  const clock = { now: () => now }
  testBed.deploy(diceSkill)
  const first = await testBed.start(clock)
  await testBed.events.publish([diceRequest('before')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['before']))
  await first.close()
  await testBed.events.publish([diceRequest('waiting')])
  testBed.undeploy('dice')
  const restarted = await testBed.start(clock)
  now += 1_000
  // This connector may stop before it has rejected anything: then the next one still knows of the removal.
  await restarted.close()
  await testBed.start(clock)
  await waitUntil(async () => {
    now += 500
    expect(await testBed.deadLetters()).toMatchObject([
      { function: 'dice', error: { code: 'rejected', message: 'the skill dice was removed' } },
    ])
  })
})

test('a topic that another deployed function has is not refused: a skill is renamed without an apology', async () => {
  let now = Date.now()
  testBed.deploy(diceSkill)
  await testBed.start({ now: () => now })
  await testBed.events.publish([diceRequest('old')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['old']))
  testBed.deploy(tumblerFunction)
  await waitUntil(async () => expect(await testBed.results()).toContain('tumbled old'))
  testBed.undeploy('dice')
  for (let n = 0; n < 10; n++) {
    now += 1_000
    await testBed.events.publish([diceRequest(`new-${n}`)])
    await waitUntil(async () => expect(await testBed.results()).toContain(`tumbled new-${n}`))
  }
  expect(await testBed.deadLetters()).toEqual([])
})

test('what refuses for a removed skill ends when another function takes its topic', async () => {
  let now = Date.now()
  testBed.deploy(diceSkill)
  await testBed.start({ now: () => now })
  await testBed.events.publish([diceRequest('old')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['old']))
  testBed.undeploy('dice')
  let asked = 0
  await waitUntil(async () => {
    now += 500
    await testBed.events.publish([diceRequest(`orphan-${asked++}`)])
    expect(await testBed.deadLetters()).not.toEqual([])
  })
  testBed.deploy(tumblerFunction)
  await waitUntil(async () => expect(await testBed.results()).toContain('tumbled old'))
  for (let n = 0; n < 5; n++) {
    now += 1_000
    await testBed.events.publish([diceRequest(`new-${n}`)])
    await waitUntil(async () => expect(await testBed.results()).toContain(`tumbled new-${n}`))
  }
  const refused = (await testBed.deadLetters()).map(({ event }) => String(event?.id))
  expect(refused.filter(id => id.startsWith('new-'))).toEqual([])
})
