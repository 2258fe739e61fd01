import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog } from '#shared/base/log.ts'
import { causedEvent, type Draft, firstEvent, type LaresEvent } from '#shared/contract/events/event.ts'
import { derivedId, newId } from '#shared/contract/events/ids.ts'
import { invocable } from '#shared/contract/invoke.ts'
import { type Kit, messageEvent, openKit } from '#shared/host/test-kit.ts'
import type { Models } from '#shared/models/models.ts'
import dialog from './handler.ts'
import { assistant, recalledOf } from './talk.fixture.ts'

let kit: Kit
beforeEach(async () => {
  kit = await openKit()
})
afterEach(() => kit.close())

const models = {
  capabilities: async () => ({ model: 'm', tools: false, contextTokens: 1_000 }),
} as unknown as Models

async function send(event: LaresEvent): Promise<LaresEvent[]> {
  const services = { ...kit.services, models, assistant }
  const events: LaresEvent[] = []
  const { invoke } = invocable(dialog, { services, objects: kit.objects, log: noLog })
  for await (const made of invoke(event)) events.push(made)
  return events
}

function recalled(text: string, answer: string): LaresEvent {
  const cause = messageEvent(text, { person: 'ann' }) as LaresEvent
  const draft = { type: 'lares.context.recalled', data: recalledOf(text, { answer }) } as Draft
  return causedEvent(draft, { function: 'memory', cause, index: 0 })
}

const deadLetterOf = (failed: LaresEvent) =>
  firstEvent({
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
  const event = recalled('what is my code?', 'It is 4711.')
  const [reply] = await send(event)
  const again = await send(deadLetterOf(event))
  expect(again.map(({ id }) => id)).toEqual([reply!.id])
  expect(again[0]!.causationid).toBe(event.id)
  expect(reply!.id).toBe(derivedId(event.id, 'dialog', 0))
  expect(await kit.conversations.history.list('conversation', { limit: 10 })).toHaveLength(2)
})

test('a failure that was recorded is told, although what failed has come again since and went well', async () => {
  const event = recalled('echo please', 'It is 4711.')
  const dead = deadLetterOf(event)
  const [failure] = await send(dead)
  expect(failure!.data).toMatchObject({ status: 'failed' })
  const late = await send(event)
  expect(late.map(({ data }) => data)).toMatchObject([{ status: 'failed' }, { status: 'completed' }])
  expect(late[0]!.id).toBe(failure!.id)
  expect((await send(dead)).map(({ id }) => id)).toEqual([failure!.id])
})

test('of a message too large for the log, which failed for good, the person is told', async () => {
  const { data: _, ...event } = recalled('what is my code?', 'It is 4711.')
  const { time: createdAt } = event
  await kit.conversations.history.accept({
    conversation: 'conversation',
    person: 'ann',
    message: {
      ...{ id: event.correlationid, role: 'user', text: 'what is my code?', inReplyTo: null },
      ...{ createdAt, status: 'queued' },
    },
  })
  const [failure] = await send(deadLetterOf({ ...event, dataref: 'lares-object:events/x' } as LaresEvent))
  expect(failure!.data).toMatchObject({ status: 'failed', answers: [event.correlationid] })
})

const apart = ({ data, ...event }: LaresEvent) =>
  ({ ...event, dataref: 'lares-object:events/large' }) as LaresEvent

test('it is told also when the message failed before the gateway told the history of it', async () => {
  const event = recalled('what is my code?', 'It is 4711.')
  await kit.objects.put('events/large', Buffer.from(JSON.stringify(event.data)))
  const [failure] = await send(deadLetterOf(apart(event)))
  expect(failure!.data).toMatchObject({ status: 'failed', answers: [event.correlationid] })
  expect(await kit.conversations.history.message(event.correlationid)).toMatchObject({
    text: 'what is my code?',
    status: 'failed',
  })
})

test('what is neither in the history nor in the object store holds up nothing, and nobody is told', async () => {
  expect(await send(deadLetterOf(apart(recalled('what is my code?', 'It is 4711.'))))).toEqual([])
})
