import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import {
  gate,
  message,
  neighbours,
  openWorks,
  result,
  stage,
  timer,
  until,
  type Works,
} from './connector.fixture.ts'
import { MAX_UNFINISHED } from './consumer/worker.ts'

let works: Works

beforeEach(async () => {
  works = await openWorks()
})
afterEach(() => works.close())

test('events of one conversation are handled in order over all topics, of different ones at once', async () => {
  const seen: string[] = []
  const held = gate()
  works.deploy(
    stage(async event => {
      seen.push(event.id)
      if (event.id === 'a1') await held.passed
      return result(event.id)
    }),
  )
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(() => expect(seen).toEqual(['a1']))
  await works.events.publish([timer('a2', 'a'), message('b1', 'b'), message('a3', 'a'), timer('b2', 'b')])
  await until(() => expect(seen).toEqual(expect.arrayContaining(['a1', 'b1', 'b2'])))
  expect(seen).toHaveLength(3)
  held.open()
  await until(() => expect(seen).toHaveLength(5))
  // Between topics only the time of arrival gives an order; within a topic it is kept.
  expect(seen.slice(3).sort()).toEqual(['a2', 'a3'])
  await until(async () => expect((await works.results()).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']))
})

test('many conversations keep their order while some of them fail for a while', async () => {
  const seen = new Map<string, string[]>()
  const failed = new Set<string>()
  works.deploy(
    stage(event => {
      const isFirstTry = !failed.has(event.id)
      failed.add(event.id)
      if (isFirstTry && Number(event.id.split('-')[1]) % 7 === 0) throw new Error('not at the first try')
      seen.set(event.subject, [...(seen.get(event.subject) ?? []), event.id])
    }),
  )
  const all = Array.from({ length: 600 }, (_, n) => message(`n-${n}`, `talk-${n % 40}`))
  await works.start()
  for (let n = 0; n < all.length; n += 50) await works.events.publish(all.slice(n, n + 50))
  await until(async () => expect(await works.lag()).toBe(0))
  for (let talk = 0; talk < 40; talk++)
    expect(seen.get(`talk-${talk}`)).toEqual(
      all.filter(({ subject }) => subject === `talk-${talk}`).map(({ id }) => id),
    )
  expect(await works.dead()).toEqual([])
})

test('after a crash what was not finished comes again, from the first unfinished one of its partition', async () => {
  const [a, b, c, d] = neighbours(4)
  const [elsewhere] = neighbours(1, 1)
  const never = stage(async event => {
    if (event.id === 'b1') await new Promise(() => undefined)
    return result(event.id)
  })
  works.deploy(never)
  const connector = await works.start()
  await works.events.publish([
    message('a1', a!),
    message('b1', b!),
    message('c1', c!),
    message('e1', elsewhere!),
    message('d1', d!),
    message('b2', b!),
  ])
  await until(async () => expect(await works.lag()).toBe(4))
  const seen: string[] = []
  const later = await works.afterPowerCut()
  later.deploy(
    stage(event => {
      seen.push(event.id)
      return result(event.id)
    }),
  )
  await later.start()
  await until(async () => expect(await later.lag()).toBe(0))
  expect(seen.sort()).toEqual(['b1', 'b2', 'c1', 'd1'])
  // What was handled twice has the same ids twice, by which readers tell it.
  const events = await later.on('lares.result')
  expect(new Set(events.map(({ id }) => id)).size).toBe(6)
  expect(events).toHaveLength(8)
  await connector.close()
})

test('a stop in order commits what is finished and leaves the rest', async () => {
  const [a, b] = neighbours(2)
  works.deploy(
    stage(async (event, { signal }) => {
      if (event.id === 'b1') await new Promise((_, reject) => signal.addEventListener('abort', reject))
      return result(event.id)
    }),
  )
  const connector = await works.start()
  await works.events.publish([message('a1', a!), message('b1', b!)])
  await until(async () => expect(await works.results()).toEqual(['a1']))
  await connector.close()
  expect(await works.lag()).toBe(1)
  await works.events.publish([message('a2', a!)])
  expect(await works.lag()).toBe(2)
  expect(await works.dead()).toEqual([])
})

test('a partition with too much unfinished work is paused, and goes on when it is done', async () => {
  const keys = neighbours(40)
  const held = gate()
  let taken = 0
  const seen = new Map<string, number[]>(keys.map(key => [key, []]))
  works.deploy(
    stage(async event => {
      await held.passed
      seen.get(event.subject)!.push(Number(event.id))
    }),
  )
  const { subscribe } = works.bus
  works.bus.subscribe = options =>
    subscribe({
      ...options,
      onRecords(records) {
        taken += records.length
        options.onRecords(records)
      },
    })
  const total = 4 * MAX_UNFINISHED
  const all = Array.from({ length: total }, (_, n) => message(String(n), keys[n % 40]!))
  await works.events.publish(all)
  await works.start()
  await until(() => expect(taken).toBeGreaterThanOrEqual(MAX_UNFINISHED))
  await works.bus.check()
  expect(taken).toBeLessThan(1.5 * MAX_UNFINISHED)
  held.open()
  await until(async () => expect(await works.lag()).toBe(0))
  expect(taken).toBe(total)
  for (const [index, key] of keys.entries())
    expect(seen.get(key)).toEqual(all.map(({ id }) => Number(id)).filter(n => n % 40 === index))
})

test('a conversation that floods does not stop those behind it on its partition', async () => {
  const [flooder, other] = neighbours(2)
  const held = gate()
  const seen: string[] = []
  works.deploy(
    stage(async event => {
      if (event.subject === flooder) await held.passed
      seen.push(event.id)
    }),
  )
  const total = 3 * MAX_UNFINISHED
  const flood = Array.from({ length: total }, (_, n) => message(`f${n}`, flooder!))
  await works.events.publish([...flood, message('o1', other!)])
  await works.start()
  await until(() => expect(seen).toEqual(['o1']))
  held.open()
  await until(async () => expect(await works.lag()).toBe(0))
  expect(seen).toEqual(['o1', ...flood.map(({ id }) => id)])
})

test('a record that waited on the log is delivered when the log can be read again', async () => {
  const [flooder] = neighbours(1)
  const { read } = works.bus
  let refusals = 0
  works.bus.read = async (...asked) => {
    if (refusals++ === 0) throw new LaresError('unavailable', 'not now')
    return await read(...asked)
  }
  const seen: string[] = []
  works.deploy(stage(event => void seen.push(event.id)))
  const flood = Array.from({ length: 200 }, (_, n) => message(`f${n}`, flooder!))
  await works.events.publish(flood)
  await works.start()
  await until(() => expect(seen).toEqual(flood.map(({ id }) => id)))
  expect(refusals).toBeGreaterThan(1)
})

test('what another member has taken over is neither started nor committed here', async () => {
  const [a, b] = neighbours(2, 1)
  const held = gate()
  const seen: string[] = []
  works.deploy(
    stage(async event => {
      seen.push(event.id)
      if (event.id === 'a1' && seen.length === 1) await held.passed
    }),
  )
  await works.start()
  await works.events.publish([message('a1', a!), message('a2', a!)])
  await until(() => expect(seen).toEqual(['a1']))
  // The second member gets every other partition, the first of them this one.
  await works.start()
  await until(() => expect(seen).toEqual(['a1', 'a1', 'a2']))
  await until(async () => expect(await works.lag()).toBe(0))
  await works.events.publish([message('b1', b!)])
  await until(() => expect(seen).toEqual(['a1', 'a1', 'a2', 'b1']))
  await until(async () => expect(await works.lag()).toBe(0))
  held.open()
  await new Promise(setImmediate)
  expect(seen).toEqual(['a1', 'a1', 'a2', 'b1'])
  expect(await works.lag()).toBe(0)
})

test('a commit that fails is made up for, though nothing else is finished', async () => {
  const { subscribe } = works.bus
  let failures = 0
  works.bus.subscribe = async options => {
    const subscription = await subscribe(options)
    const commit: typeof subscription.commit = positions =>
      failures++ < 2
        ? Promise.reject(new LaresError('unavailable', 'not now'))
        : subscription.commit(positions)
    return { ...subscription, commit }
  }
  works.deploy(stage(() => undefined))
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.lag()).toBe(0))
  expect(failures).toBe(3)
})

test('a function that is added is served from its first event, one that is removed not any more', async () => {
  works.deploy(stage(event => result(`old ${event.id}`), { name: 'old' }))
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['old a1']))
  works.deploy(stage(event => result(`new ${event.id}`), { name: 'new' }))
  await until(async () => expect(await works.results()).toEqual(['old a1', 'new a1']))
  await until(async () => expect(await works.lag('old')).toBe(0))
  works.withdraw('old')
  await until(async () => {
    await works.events.publish([message(crypto.randomUUID(), 'a')])
    const lags = await works.bus.lag('lares.old', ['lares.message'])
    expect(lags.reduce((sum, { lag }) => sum + lag, 0)).toBeGreaterThan(1)
  })
  const results = await works.results()
  works.deploy(stage(event => result(`old ${event.id}`), { name: 'old' }))
  await until(async () => expect(await works.lag('old')).toBe(0))
  expect((await works.results()).length).toBeGreaterThan(results.length)
})

test('a source that fails leaves everything as it was', async () => {
  works.deploy(stage(event => result(event.id)))
  const source = vi.fn(async () => {
    if (source.mock.calls.length > 1) throw new Error('stack.yml is away')
    return [{ name: 'stage', topics: ['lares.message'] }]
  })
  await works.start({ source })
  await until(() => expect(source.mock.calls.length).toBeGreaterThan(3))
  await works.events.publish([message('a1', 'a')])
  await until(async () => expect(await works.results()).toEqual(['a1']))
})

test('a start without anything there goes on by itself when it is there', async () => {
  const source = vi.fn(async () => {
    if (source.mock.calls.length < 3) throw new Error('not yet')
    return [{ name: 'stage', topics: ['lares.message'] }]
  })
  const connector = await works.start({ source })
  await works.events.publish([message('a1', 'a')])
  works.deploy(stage(event => result(event.id)))
  await until(async () => expect(await works.results()).toEqual(['a1']))
  await connector.close()
})

test('a bus that refuses one function does not keep the others from being served, nor serves any twice', async () => {
  const { subscribe } = works.bus
  const joined: string[] = []
  let refusals = 0
  works.bus.subscribe = async options => {
    if (options.group === 'lares.second' && refusals++ < 3) throw new LaresError('unavailable', 'not now')
    joined.push(options.group)
    return await subscribe(options)
  }
  for (const name of ['first', 'second', 'third'])
    works.deploy(stage(event => result(`${name} ${event.id}`), { name }))
  await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(async () =>
    expect((await works.results()).sort()).toEqual(['first a1', 'second a1', 'third a1']),
  )
  expect(joined.sort()).toEqual(['lares.first', 'lares.second', 'lares.third'])
})

test('a closed connector takes nothing more, whatever was on its way', async () => {
  const seen: string[] = []
  works.deploy(stage(event => void seen.push(event.id)))
  const connector = await works.start()
  await works.events.publish([message('a1', 'a')])
  await until(() => expect(seen).toEqual(['a1']))
  const closing = connector.close()
  await works.events.publish([message('a2', 'a')])
  await closing
  await works.bus.check()
  expect(seen).toEqual(['a1'])
  expect(await works.lag()).toBe(1)
})

test('what waited on a partition that another connector has taken over is held by that one alone', async () => {
  const held = gate()
  works.deploy(stage(() => held.passed))
  const talks = Array.from({ length: 12 }, (_, n) => `talk-${n}`)
  const first = await works.start()
  await works.events.publish(talks.flatMap(talk => [message(`${talk} 1`, talk), message(`${talk} 2`, talk)]))
  await until(() => expect(first.loads()).toEqual([{ function: 'stage', running: 12, held: 24 }]))
  const second = await works.start()
  // What runs at the first ends there; its partitions' work is counted once, but for those.
  await until(() => {
    const [one, other] = [first.loads()[0]!, second.loads()[0]!]
    expect(other.held).toBeGreaterThan(0)
    expect(one).toEqual({ function: 'stage', running: 12, held: 24 - other.held / 2 })
  })
  held.open()
  await until(async () => expect(await works.lag()).toBe(0))
  expect([...first.loads(), ...second.loads()].map(load => load.held)).toEqual([0, 0])
})
