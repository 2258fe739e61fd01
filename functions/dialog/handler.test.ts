import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '#shared/base/log.ts'
import {
  createCausedEvent,
  createRootEvent,
  type EventDraft,
  type LaresEvent,
} from '#shared/contract/events/event.ts'
import { derivedId, newId } from '#shared/contract/events/ids.ts'
import { createInvocable } from '#shared/contract/invoke.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import type { Models } from '#shared/models/models.ts'
import dialog from './handler.ts'
import { assistant, createRecalled } from './talk.fixture.ts'

let kit: TestKit
beforeEach(async () => {
  kit = await openTestKit()
})
afterEach(() => kit.close())

const models = {
  capabilities: async () => ({ model: 'm', tools: false, contextTokens: 1_000 }),
} as unknown as Models

async function send(event: LaresEvent): Promise<LaresEvent[]> {
  const services = { ...kit.services, models, assistant }
  const events: LaresEvent[] = []
  const { invoke } = createInvocable(dialog, { services, objects: kit.objects, log: silentLogger })
  for await (const made of invoke(event)) events.push(made)
  return events
}

function recalledEvent(text: string, answer: string): LaresEvent {
  const cause = messageEvent(text, { person: 'ann' }) as LaresEvent
  const draft = { type: 'lares.context.recalled', data: createRecalled(text, { answer }) } as EventDraft
  return createCausedEvent(draft, { function: 'memory', cause, index: 0 })
}

const deadLetterEvent = (failed: LaresEvent) =>
  createRootEvent({
    id: newId(),
    source: '/lares/connector',
    type: 'lares.deadletter.recorded',
    conversation: failed.subject,
    correlationid: failed.correlationid,
    data: {
      function: 'dialog',
      error: { code: 'failed', message: 'it broke off' },
      tries: 5,
      firstTriedAt: failed.time,
      topic: 'lares.context',
      partition: 0,
      offset: 0,
      event: { ...failed },
    },
  }) as unknown as LaresEvent

test('what a step said is said under the same ids when its event became a dead letter all the same', async () => {
  const event = recalledEvent('what is my code?', 'It is 4711.')
  const [reply] = await send(event)
  const again = await send(deadLetterEvent(event))
  expect(again.map(({ id }) => id)).toEqual([reply!.id])
  expect(again[0]!.causationid).toBe(event.id)
  expect(reply!.id).toBe(derivedId(event.id, 'dialog', 0))
  expect(await kit.store.history.list('conversation', { limit: 10 })).toHaveLength(2)
})

test('a failure that was recorded is told, although what failed has come again since and went well', async () => {
  const event = recalledEvent('echo please', 'It is 4711.')
  const dead = deadLetterEvent(event)
  const [failure] = await send(dead)
  expect(failure!.data).toMatchObject({ status: 'failed' })
  const late = await send(event)
  expect(late.map(({ data }) => data)).toMatchObject([{ status: 'failed' }, { status: 'completed' }])
  expect(late[0]!.id).toBe(failure!.id)
  expect((await send(dead)).map(({ id }) => id)).toEqual([failure!.id])
})

test('of a message too large for the log, which failed for good, the person is told', async () => {
  const { data: _, ...event } = recalledEvent('what is my code?', 'It is 4711.')
  const { time: createdAt } = event
  await kit.store.history.accept({
    conversation: 'conversation',
    person: 'ann',
    message: {
      ...{ id: event.correlationid, role: 'user', text: 'what is my code?', inReplyTo: null },
      ...{ createdAt, status: 'queued' },
    },
  })
  const [failure] = await send(deadLetterEvent({ ...event, dataref: 'lares-object:events/x' } as LaresEvent))
  expect(failure!.data).toMatchObject({ status: 'failed', answers: [event.correlationid] })
})

const withoutData = ({ data, ...event }: LaresEvent) =>
  ({ ...event, dataref: 'lares-object:events/large' }) as LaresEvent

test('it is told also when the message failed before the gateway told the history of it', async () => {
  const event = recalledEvent('what is my code?', 'It is 4711.')
  await kit.objects.put('events/large', Buffer.from(JSON.stringify(event.data)))
  const [failure] = await send(deadLetterEvent(withoutData(event)))
  expect(failure!.data).toMatchObject({ status: 'failed', answers: [event.correlationid] })
  expect(await kit.store.history.message(event.correlationid)).toMatchObject({
    text: 'what is my code?',
    status: 'failed',
  })
})

test('what is neither in the history nor in the object store holds up nothing, and nobody is told', async () => {
  expect(await send(deadLetterEvent(withoutData(recalledEvent('what is my code?', 'It is 4711.'))))).toEqual(
    [],
  )
})
