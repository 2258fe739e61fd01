import { afterEach, beforeEach, expect, test } from 'vitest'
import { personAsSender } from '#shared/contract/events/address.ts'
import { createRootEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { newId } from '#shared/contract/events/ids.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import memory from './handler.ts'

let kit: TestKit
beforeEach(async () => {
  kit = await openTestKit()
})
afterEach(() => kit.close())

const ask = async (text: string, person: string, member = person) => {
  const { data, time } = messageEvent(text, { person })
  const message = { ...data, sender: personAsSender(member, data.address) }
  const event = createRootEvent({
    id: newId(),
    source: '/test',
    type: 'lares.intent.recognised',
    conversation: `talk of ${person}`,
    data: { message, saidAt: time, intent: { skill: null, score: 0, candidates: [] } },
  })
  const [recalled] = await kit.send(memory, event)
  return recalled!.data as EventData<'lares.context.recalled'>
}

test('a group is told nothing that a member told the assistant alone, and keeps what it is asked to', async () => {
  await ask('remember that my bicycle is green', 'alice')
  expect(JSON.stringify(await ask('what colour is my bicycle?', 'alice'))).toContain('green')
  const inGroup = await ask('what colour is my bicycle?', 'group/kitchen', 'alice')
  expect(inGroup.memories).toEqual([])
  expect(JSON.stringify(inGroup)).not.toContain('green')
  await ask('remember that our oven is blue', 'group/kitchen', 'alice')
  expect(JSON.stringify(await ask('what colour is our oven?', 'group/kitchen', 'bob'))).toContain('blue')
  expect(JSON.stringify(await ask('what colour is our oven?', 'alice'))).not.toContain('blue')
})
