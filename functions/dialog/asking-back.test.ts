import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCatalogue } from '#shared/contract/catalogue.ts'
import { createCausedEvent, type LaresEvent } from '#shared/contract/events/event.ts'
import type { Reply } from '#shared/contract/events/event-types.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import type { Models } from '#shared/models/models.ts'
import { openSqliteStore } from '#shared/store/sqlite/sqlite-store.ts'
import intent from '../intent/handler.ts'
import memory from '../memory/handler.ts'
import calculator from '../skills/calculator/handler.ts'
import notes from '../skills/notes/handler.ts'
import reminder from '../skills/reminder/handler.ts'
import time from '../skills/time/handler.ts'
import dialog from './handler.ts'
import { assistant } from './talk.fixture.ts'

/** The functions that a message goes through, and the skills. All of them are real; there is no model. */
const skills = [calculator, notes, reminder, time]
const pipelineFunctions = [intent, memory, dialog, ...skills]
const SAID_AT = '2026-03-27T09:00:00.000Z'

let kit: TestKit
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-asking-back-'))
  kit = await openTestKit()
  kit.services.models = {
    ...kit.services.models,
    capabilities: async () => ({ model: 'm', tools: false, contextTokens: 1_000 }),
  } as unknown as Models
  kit.services.assistant = assistant
  open()
  await kit.services.catalogue!.write(
    skills.map(({ name, skill }) => ({ name, topics: [], emits: [], uses: [], concurrency: 1, skill })),
  )
})
afterEach(async () => {
  await kit.services.store!.close()
  await kit.close()
  await rm(folder, { recursive: true })
})

function open(): void {
  const store = openSqliteStore(join(folder, 'conversations.db'))
  const { records, timers } = store
  Object.assign(kit.services, {
    store,
    records,
    timers,
    catalogue: openCatalogue(records),
  })
}

/** Simulates a restart of every process: only the stored data remains. */
async function restart(): Promise<void> {
  await kit.services.store!.close()
  open()
}

const receivesType = (name: string, type: string): boolean =>
  pipelineFunctions.find(stage => stage.name === name)!.receives.some(received => received === type)

/** A model call always gives the same result here. The tests check only whether dialog asks the model. */
const generationEvent = (cause: LaresEvent): LaresEvent => {
  const usage = { inputTokens: 1, outputTokens: 1 }
  const data = { step: 0, text: '(model)', toolCalls: [], finishReason: 'stop' as const, usage, model: 'm' }
  return createCausedEvent(
    { type: 'lares.generation.completed', data },
    { function: 'generation', cause, index: 0 },
  )
}

/** Sends a message and returns the reply, or "(model)" when dialog asks the model. */
async function say(text: string, minutesLater = 0): Promise<string> {
  const at = new Date(Date.parse(SAID_AT) + minutesLater * 60_000).toISOString()
  const message = messageEvent(text, { time: at }) as LaresEvent
  const events = [message]
  for (const event of events) {
    if (event.type === 'lares.reply.completed') {
      const reply = event.data as Reply
      // Dialog repeats earlier replies, because they may not have reached the log.
      if (reply.answers.includes(message.id)) return reply.text
    }
    if (event.type === 'lares.prompt.composed') events.push(generationEvent(event))
    for (const stage of pipelineFunctions)
      if (receivesType(stage.name, event.type)) events.push(...(await kit.send(stage, event)))
  }
  throw new Error(`nothing came of "${text}"`)
}

const pending = async () =>
  (await kit.services.timers!.pending('alice', 99)).map(({ text, dueAt }) => `${dueAt} ${text}`)

describe('two skills that are close', () => {
  it('are told apart by the person, also after a restart', async () => {
    const asked = 'take a note: remind me of the rent'
    expect(await say(asked)).toBe('Did you mean a reminder or your notes?')
    await restart()
    expect(await say('the second')).toContain('remind me of the rent')
    expect(await say('list my notes')).toContain('remind me of the rent')
    await say(asked)
    expect(await say('a reminder')).toMatch(/^When shall I remind you \(rent\)/)
    expect(await say('at 5')).toBe('I will remind you today at 17:00: rent')
  })

  it('are told apart in Chinese too', async () => {
    expect(await say('看看我的笔记和提醒')).toBe('你是指“笔记”还是“提醒”？')
    expect(await say('第二个')).toBe('你没有提醒。')
  })

  it('are nobody’s business any more once something else was said', async () => {
    await say('take a note: remind me of the rent')
    expect(await say('what is 2 + 2?')).toBe('2 + 2 = 4')
    expect(await say('the second')).toBe('(model)')
  })
})

describe('a reminder without a time', () => {
  it.each([
    ['at 5', '2026-03-27T16:00:00.000Z'],
    ['5', '2026-03-27T16:00:00.000Z'],
    ['tomorrow morning', '2026-03-28T08:00:00.000Z'],
    ['tomorrow at 9, please', '2026-03-28T08:00:00.000Z'],
    ['Remind me at half past five.', '2026-03-27T16:30:00.000Z'],
    ['10 minutes', '2026-03-27T09:10:00.000Z'],
    ['in one and a half hours', '2026-03-27T10:30:00.000Z'],
    ['an hour and a half', '2026-03-27T10:30:00.000Z'],
    ['on the 5th', '2026-04-05T07:00:00.000Z'],
    ['the 15th at 3pm', '2026-04-15T13:00:00.000Z'],
    ['the 5th of next month at 9am', '2026-04-05T07:00:00.000Z'],
    ['in the evening', '2026-03-27T18:00:00.000Z'],
    ["let's say Friday at noon", '2026-03-27T11:00:00.000Z'],
    ['明天下午三点', '2026-03-28T14:00:00.000Z'],
  ])('is due by the answer "%s"', async (answer, dueAt) => {
    expect(await say('remind me to feed the cat')).toBe(
      'When shall I remind you (feed the cat)? Say for example "tomorrow at 9" or "in an hour".',
    )
    expect(await say(answer)).toMatch(/feed the cat/)
    expect(await pending()).toEqual([`${dueAt} feed the cat`])
  })

  it.each([
    ['明天下午三点', '2026-03-28T14:00:00.000Z'],
    ['下个月五号', '2026-04-05T07:00:00.000Z'],
    ['下个月五号吧', '2026-04-05T07:00:00.000Z'],
    ['那就下周三', '2026-04-01T07:00:00.000Z'],
    ['下周三下午两点', '2026-04-01T12:00:00.000Z'],
    ['月底', '2026-03-31T07:00:00.000Z'],
    ['后天', '2026-03-29T07:00:00.000Z'],
    ['大后天早上八点', '2026-03-30T06:00:00.000Z'],
    ['半小时后', '2026-03-27T09:30:00.000Z'],
    ['半个小时', '2026-03-27T09:30:00.000Z'],
    ['十五号上午十点', '2026-04-15T08:00:00.000Z'],
    ['星期天上午', '2026-03-29T07:00:00.000Z'],
    ['这周末', '2026-03-28T08:00:00.000Z'],
    ['三点', '2026-03-27T14:00:00.000Z'],
    ['好的，明天', '2026-03-28T08:00:00.000Z'],
    ['tomorrow at 9', '2026-03-28T08:00:00.000Z'],
  ])('is due by the answer "%s" in Chinese', async (answer, dueAt) => {
    expect(await say('提醒我交房租')).toBe('什么时候提醒你（交房租）？例如“明天上午九点”或“一小时后”。')
    expect(await say(answer)).toMatch(/交房租/)
    expect(await pending()).toEqual([`${dueAt} 交房租`])
  })

  it('counts from when the answer was said', async () => {
    await say('remind me to feed the cat')
    await restart()
    await say('in ten minutes', 30)
    expect(await pending()).toEqual(['2026-03-27T09:40:00.000Z feed the cat'])
  })

  it('of which nothing is known is asked for the one and then for the other', async () => {
    expect(await say('remind me')).toMatch(/^When shall I remind you\?/)
    expect(await say('tomorrow at 9')).toBe('What shall I remind you of tomorrow at 09:00?')
    await restart()
    expect(await say('to feed the cat.', 1)).toBe('I will remind you tomorrow at 09:00: feed the cat')
    expect(await say('提醒我')).toMatch(/^什么时候提醒你？/)
    expect(await say('后天下午三点')).toBe('2026年3月29日星期日 15:00提醒你什么？')
    expect(await say('给妈妈打电话')).toMatch(/15:00提醒你：给妈妈打电话$/)
    expect(await pending()).toEqual([
      '2026-03-28T08:00:00.000Z feed the cat',
      '2026-03-29T13:00:00.000Z 给妈妈打电话',
    ])
  })

  it('is told both at once', async () => {
    await say('remind me')
    expect(await say('at 5 to feed the cat')).toBe('I will remind you today at 17:00: feed the cat')
  })

  it('a timer and an alarm are about nothing but the time', async () => {
    expect(await say('set a timer')).toMatch(/^When shall I remind you\?/)
    expect(await say('20 minutes')).toBe('I will remind you today at 10:20: the time is up')
    expect(await say('设一个闹钟')).toMatch(/^什么时候提醒你？/)
    expect(await say('明天早上七点')).toMatch(/明天 07:00/)
  })

  it.each([
    ['remind me to feed the cat', 'never mind', 'All right, never mind.'],
    ['提醒我交房租', '算了', '好的，那就算了。'],
  ])('"%s" ends by "%s"', async (asked, said, reply) => {
    await say(asked)
    expect(await say(said)).toBe(reply)
    expect(await say('in ten minutes')).toBe('(model)')
    expect(await pending()).toEqual([])
  })

  it('is dropped for whatever is no answer', async () => {
    await say('remind me to feed the cat')
    expect(await say('what is 2 + 2?')).toBe('2 + 2 = 4')
    expect(await say('at 5')).toBe('(model)')
    await say('remind me to feed the cat')
    expect(await say('I met Anna at 5 and we had tea')).toBe('(model)')
    await say('remind me')
    await say('at 5')
    expect(await say('what is 3 + 3?')).toBe('3 + 3 = 6')
    await say('remind me to feed the cat')
    expect(await say('remind me at 6 to water the plants')).toMatch(/18:00: water the plants/)
    expect(await pending()).toEqual(['2026-03-27T17:00:00.000Z water the plants'])
  })
})
