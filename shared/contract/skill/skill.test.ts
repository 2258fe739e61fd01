import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { LaresError } from '../../base/errors.ts'
import type { AnyFunction } from '../definition.ts'
import type { EventData, SkillRequest } from '../events/event-types.ts'
import { functionFromExport } from '../plugin.ts'
import { type FunctionTestBed, openFunctionTestBed, readError, skillRequestEvent } from '../serve.fixture.ts'
import { defineSkill } from './skill.ts'

let testBed: FunctionTestBed

beforeEach(async () => {
  testBed = await openFunctionTestBed()
})
afterEach(() => testBed.close())

/** Calls the skill over HTTP, as the connector does. */
async function askSkill(skill: AnyFunction, text: string, more: Partial<SkillRequest> = {}) {
  const served = await testBed.serve(skill)
  const [event] = await served.ask(skillRequestEvent(text, more))
  return event!.data as EventData<'lares.result.returned'>
}

const repeatSkill = (more: object = {}) =>
  defineSkill({
    name: 'parrot',
    description: 'Repeats a word.',
    examples: ['say it twice'],
    input: z.object({ word: z.string().min(1).describe('what to say'), times: z.int().default(2) }),
    run: ({ word, times }) => word.repeat(times),
    ...more,
  })

test('a skill is served with its input checked, its defaults filled in and its answer wrapped', async () => {
  expect(await askSkill(repeatSkill(), '', { input: { word: 'ha' }, callId: 'c', step: 3 })).toEqual({
    callId: 'c',
    step: 3,
    status: 'ok',
    text: 'haha',
  })
})

test('a skill tells of itself: its topic, its examples, and its schema without what models need not see', async () => {
  const served = await testBed.serve(repeatSkill())
  expect((await served.get('/_/manifest')).body).toEqual({
    name: 'parrot',
    topics: ['lares.skill.parrot'],
    emits: ['lares.result.returned'],
    uses: [],
    concurrency: 100,
    timeoutMs: 30_000,
    skill: {
      name: 'parrot',
      description: 'Repeats a word.',
      examples: ['say it twice'],
      input: {
        type: 'object',
        properties: {
          word: { type: 'string', minLength: 1, description: 'what to say' },
          times: expect.objectContaining({ type: 'integer', default: 2 }),
        },
        required: ['word'],
      },
      readsText: false,
    },
  })
})

test('wrong input of a model has failed with what is wrong; text without the input is declined', async () => {
  expect(await askSkill(repeatSkill(), '', { input: { word: 7 } })).toMatchObject({
    status: 'failed',
    text: expect.stringMatching(/the input of parrot is wrong: .*word/s),
  })
  expect(await askSkill(repeatSkill(), 'say something')).toMatchObject({ status: 'declined' })
  expect(await askSkill(repeatSkill({ read: () => null }), 'say something')).toMatchObject({
    status: 'declined',
    text: '',
  })
})

test('a skill reads its input from the words, and knows who said them where, when and in which language', async () => {
  const seen = vi.fn()
  const skill = repeatSkill({
    read: (text: string) => ({ word: text.split(' ').at(-1) ?? '' }),
    run: ({ word }: { word: string }, { log, signal, now, ...context }: Record<string, unknown>) => {
      seen(context)
      return { text: word, data: { word } }
    },
  })
  expect(await askSkill(skill, 'say ho', { language: 'zh', timeZone: 'Asia/Shanghai' })).toMatchObject({
    status: 'ok',
    text: 'ho',
    data: { word: 'ho' },
  })
  expect(seen).toHaveBeenCalledWith({
    conversation: 'talk-1',
    person: 'owner',
    language: 'zh',
    timeZone: 'Asia/Shanghai',
    text: 'say ho',
    saidAt: new Date('2026-05-01T12:00:00Z'),
    idempotencyKey: 'said-1',
  })
})

test('a skill without required input needs no words', async () => {
  const skill = defineSkill({
    name: 'parrot',
    description: 'Squawks.',
    examples: [],
    input: z.object({ loud: z.boolean().optional() }),
    run: ({ loud }) => (loud ? 'SQUAWK' : 'squawk'),
  })
  expect(await askSkill(skill, 'anything')).toMatchObject({ status: 'ok', text: 'squawk' })
})

test('a skill asks for what is missing, and reads the answer with what it asked with', async () => {
  const skill = defineSkill({
    name: 'parrot',
    title: { en: 'the parrot', zh: '鹦鹉' },
    description: 'Repeats a word as often as is wished.',
    examples: [],
    input: z.object({ word: z.string(), times: z.number().optional() }),
    read: (text, { asked }) => (asked ? { word: String(asked.word), times: Number(text) } : { word: text }),
    run: ({ word, times }) =>
      times === undefined ? { text: 'How often?', asks: { asked: { word } } } : word.repeat(times),
  })
  const question = await askSkill(skill, 'ho')
  expect(question).toMatchObject({ status: 'ok', text: 'How often?', asks: { asked: { word: 'ho' } } })
  expect(await askSkill(skill, '3', { asked: { word: 'ho' } })).toMatchObject({
    status: 'ok',
    text: 'hohoho',
  })
  const served = await testBed.serve(skill)
  expect((await served.get('/_/manifest')).body).toMatchObject({
    skill: { title: { en: 'the parrot', zh: '鹦鹉' } },
  })
})

test.each(['read', 'run'])(
  'what cannot be helped in %s is told to the person, all else is tried again',
  async at => {
    const failing = (error: Error) =>
      repeatSkill({ read: () => ({ word: 'x' }), [at]: () => Promise.reject(error) })
    expect(await askSkill(failing(new LaresError('rejected', 'parrots do not do that')), 'x')).toMatchObject({
      status: 'failed',
      text: 'parrots do not do that',
    })
    const served = await testBed.serve(failing(new Error('asleep')))
    expect(await readError(served.post(skillRequestEvent('x')))).toMatchObject({
      status: 500,
      message: 'asleep',
    })
  },
)

test('a skill whose answer is no text has failed for good', async () => {
  const served = await testBed.serve(repeatSkill({ run: () => 7 }))
  expect(await readError(served.post(skillRequestEvent('', { input: { word: 'x' } })))).toMatchObject({
    status: 422,
    code: 'invalid_result',
  })
})

test('a plugin object is served the same way, from init to destroy', async () => {
  const calls: string[] = []
  const plugin = {
    name: 'parrot',
    greeting: 'ahoy',
    init() {
      calls.push('init')
    },
    handleMessage({ text, person, conversation, id }: Record<string, unknown>) {
      calls.push([id, person, conversation].join())
      return `${this.greeting}, ${text}`
    },
    destroy: () => void calls.push('destroy'),
  }
  const served = await testBed.serve(functionFromExport(plugin, 'parrot.js'))
  expect(await served.ask(skillRequestEvent('captain'))).toMatchObject([
    { type: 'lares.result.returned', data: { status: 'ok', text: 'ahoy, captain', callId: 'call-1' } },
  ])
  expect(await served.ask(skillRequestEvent('', { id: 'said-2', input: { text: 'sailor' } }))).toMatchObject([
    { data: { text: 'ahoy, sailor' } },
  ])
  expect((await served.get('/_/manifest')).body).toMatchObject({
    name: 'parrot',
    topics: ['lares.skill.parrot'],
    skill: { description: 'parrot', examples: [], readsText: true },
  })
  await served.drain()
  expect(calls).toEqual(['init', 'said-1,owner,talk-1', 'said-2,owner,talk-1', 'destroy'])
})

test('a plugin may answer with data or with nothing, and with nothing else', async () => {
  const answers = new Map<string, unknown>([
    ['data', { text: 'here', data: [1] }],
    ['nothing', undefined],
    ['nonsense', 7],
  ])
  const plugin = { name: 'parrot', handleMessage: ({ text }: { text: string }) => answers.get(text) }
  const served = await testBed.serve(functionFromExport(plugin, 'parrot.js'))
  expect(await served.ask(skillRequestEvent('data'))).toMatchObject([
    { data: { status: 'ok', text: 'here', data: [1] } },
  ])
  expect(await served.ask(skillRequestEvent('nothing'))).toMatchObject([
    { data: { status: 'declined', text: '' } },
  ])
  expect(await readError(served.post(skillRequestEvent('nonsense')))).toMatchObject({
    status: 422,
    code: 'invalid_result',
  })
})

test.each([undefined, null, 7, {}, { name: 'x' }, { handleMessage: () => '' }])(
  'a handler file that exports %s is refused with what it may export',
  exported => {
    expect(() => functionFromExport(exported, 'handler.js')).toThrow(
      'handler.js must default-export defineFunction({...}), defineSkill({...}) or an object with name and handleMessage()',
    )
  },
)

test.each([
  [
    { aks: { en: 'How many?', zh: '几个？' } },
    /the skill "table" has "aks" in the meta of its input.*use reads, ask, words/,
  ],
  [{ reads: 'plce' }, /the skill "table" has reads: "plce".*use one of moment, date/],
])('a mistyped meta of the input is refused: %j', (meta, message) => {
  const input = z.object({ guests: z.object({ count: z.int().meta(meta as never) }).optional() })
  const define = () =>
    defineSkill({
      name: 'table',
      description: 'Books a table.',
      examples: ['a table'],
      input,
      run: () => 'done',
    })
  expect(define).toThrow(message)
})
