import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../shared/base/log.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import { openSqliteBus } from '../../shared/bus/sqlite/sqlite-bus.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { skillRequestType } from '../../shared/contract/events/event-types.ts'
import { newId } from '../../shared/contract/events/ids.ts'
import { eventToRecord } from '../../shared/contract/events/kafka-binding.ts'
import type { GatewayOptions } from '../options.ts'
import type { LiveEvent } from './live-event.ts'
import { type LiveUpdates, openLiveUpdates } from './live-updates.ts'

let home: string
let bus: Bus
let live: LiveUpdates | undefined
let skills: string[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-live-'))
  bus = openSqliteBus({ file: join(home, 'bus.db') })
  skills = ['time']
  await bus.ensureTopics(
    ['stream', 'reply', 'intent', 'context', 'prompt'].map(name => ({ name: `lares.${name}` })),
  )
})
afterEach(async () => {
  await live?.close()
  await bus.close()
  await rm(home, { recursive: true, force: true })
})

const open = (overrides: Partial<GatewayOptions> = {}) => {
  live = openLiveUpdates(
    { bus, log: silentLogger, skillNames: async () => skills, ...overrides } as GatewayOptions,
    20,
  )
  const received: LiveEvent[] = []
  live.listen('c', event => received.push(event))
  return received
}

const chunk = (text: string) =>
  createRootEvent({
    id: newId(),
    source: '/test',
    type: 'lares.stream.extended',
    conversation: 'c',
    correlationid: 'm',
    data: { step: 0, offset: 0, text },
  })

const request = (skill: string) =>
  createRootEvent({
    id: newId(),
    source: '/test',
    type: skillRequestType(skill),
    conversation: 'c',
    correlationid: 'm',
    data: {
      callId: 'x',
      step: 0,
      person: 'p',
      input: null,
      text: '',
      language: 'en',
      timeZone: 'UTC',
      saidAt: new Date().toISOString(),
    },
  })

it('shows the use of a skill that was deployed later', async () => {
  const heard = open()
  await bus.ensureTopics([{ name: 'lares.skill.time' }, { name: 'lares.skill.weather' }])
  skills = ['time', 'weather']
  await expect
    .poll(async () => {
      await bus.publish([eventToRecord(request('weather'))])
      return heard
    })
    .toContainEqual({ kind: 'stage', message: 'm', stage: 'using', skill: 'weather' })
})

it('finds a bus that was away at the start', async () => {
  let isAway = true
  const heard = open({
    bus: {
      ...bus,
      tail: async options => {
        if (isAway) throw new Error('away')
        return bus.tail(options)
      },
    },
  })
  isAway = false
  await expect
    .poll(async () => {
      await bus.publish([eventToRecord(chunk('hello'))])
      return heard
    })
    .toContainEqual({ kind: 'stream', message: 'm', offset: 0, text: 'hello' })
})

it('leaves out what is no event and goes on', async () => {
  const heard = open()
  await expect
    .poll(async () => {
      const junk = { topic: 'lares.stream', key: 'c', headers: {}, value: Buffer.from('junk') }
      await bus.publish([junk, eventToRecord(chunk('after'))])
      return heard
    })
    .toContainEqual({ kind: 'stream', message: 'm', offset: 0, text: 'after' })
})
