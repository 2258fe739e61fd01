import type { Address, Sender } from './address.ts'
import { createRootEvent, type LaresEvent } from './event.ts'
import type { EventData, EventType, eventTypePatterns } from './event-types.ts'

type Pattern = (typeof eventTypePatterns)[number]

const saidAt = '2026-05-01T12:00:00.000Z'

const address: Address = { channel: 'telegram', account: 'home', chat: '42', thread: '7' }
const sender: Sender = { identity: { channel: 'telegram', account: 'home', user: '4711' }, person: 'owner' }
const origin = { address, sender }

export const exampleMessage: EventData<'lares.message.received'> = {
  person: 'owner',
  text: 'What is 12.5% of 8640? 多少?',
  attachments: [{ name: 'bill.pdf', mediaType: 'application/pdf', object: 'attachments/1', bytes: 10 }],
  ...origin,
  principal: { kind: 'person', id: 'owner' },
  language: 'en',
  timeZone: 'Europe/Berlin',
  history: [{ role: 'user', text: 'earlier' }],
  instructions: 'Be brief.',
}

const intent = { skill: 'calculator', score: 0.9, candidates: [{ skill: 'calculator', score: 0.9 }] }
const usage = { inputTokens: 3, outputTokens: 5 }
const toolCall = { id: 'call-1', name: 'calculator', arguments: { expression: '1+1' } }

/** Example data of every type of the table, with all optional fields. */
export const exampleData: { [P in Pattern]: unknown } = {
  'lares.message.received': exampleMessage,
  'lares.message.transcribed': exampleMessage,
  'lares.intent.recognised': { message: exampleMessage, saidAt, intent },
  'lares.context.recalled': {
    message: exampleMessage,
    saidAt,
    intent: { ...intent, skill: null },
    memories: [{ id: 'm', text: 'likes tea', score: 0.5, createdAt: saidAt }],
    answer: 'tea',
  },
  'lares.prompt.composed': {
    step: 0,
    offset: 0,
    messages: [
      { role: 'system', content: 'You are Lares.' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: '', toolCalls: [toolCall] },
      { role: 'tool', content: '2', toolCallId: 'call-1' },
    ],
    tools: [{ name: 'calculator', description: 'Calculates.', parameters: { type: 'object' } }],
  },
  'lares.stream.extended': { step: 0, offset: 7, text: 'more' },
  'lares.generation.completed': {
    step: 1,
    text: 'two',
    toolCalls: [toolCall],
    finishReason: 'tool-calls',
    usage,
    model: 'small',
  },
  'lares.skill.*.requested': {
    callId: 'call-1',
    step: 0,
    person: 'owner',
    input: { expression: '1+1' },
    text: 'what is 1+1?',
    language: 'zh',
    timeZone: 'Asia/Shanghai',
    saidAt,
    ...origin,
  },
  'lares.result.returned': { callId: 'call-1', step: 0, status: 'ok', text: '2', data: { exact: true } },
  'lares.reply.completed': {
    person: 'owner',
    ...origin,
    inReplyTo: 'message-1',
    answers: ['message-1'],
    question: 'what is 1+1?',
    saidAt,
    text: '2',
    status: 'completed',
    usage,
    language: 'en',
  },
  'lares.learning.requested': {
    person: 'owner',
    message: 'm',
    text: 'my twins start school',
    saidAt,
    known: [{ id: 'k', text: 'my twins go to kindergarten' }],
  },
  'lares.facts.learnt': {
    person: 'owner',
    message: 'm',
    saidAt,
    facts: [{ text: 'my twins go to school', replaces: 'k' }],
  },
  'lares.media.requested': { callId: 'call-1', attachments: exampleMessage.attachments, person: 'owner' },
  'lares.timer.fired': {
    timerId: 't',
    person: 'owner',
    text: 'stretch',
    language: 'en',
    dueAt: saidAt,
    firedAt: saidAt,
    address,
  },
  'lares.webhook.*.received': { headers: { 'x-signature': 's' }, body: { any: ['thing', null] } },
  'lares.deadletter.recorded': {
    function: 'intent',
    error: { code: 'failed', message: 'no' },
    tries: 5,
    firstTriedAt: saidAt,
    topic: 'lares.message',
    partition: 0,
    offset: 12,
    event: { id: 'x' },
    headers: { 'content-type': 'text/plain' },
    raw: 'AAE=',
  },
}

/** A whole event with a given text, in a given conversation and with a given id. */
export const messageEvent = (text: string, more: { id?: string; conversation?: string } = {}): LaresEvent =>
  createRootEvent<EventType>({
    id: '018f0000-0000-7000-8000-000000000000',
    source: '/lares/gateway',
    type: 'lares.message.received',
    conversation: 'talk-1',
    time: '2026-05-01T12:00:00.123Z',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: { ...exampleMessage, text },
    ...more,
  })
