import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import {
  type ConnectorTestBed,
  keysOnPartition,
  messageEvent,
  openConnectorTestBed,
  openGate,
  resultDraft,
  testFunction,
  timerEvent,
  waitUntil,
} from './connector.fixture.ts'
import { MAX_UNFINISHED } from './consumer/worker.ts'

let testBed: ConnectorTestBed

beforeEach(async () => {
  testBed = await openConnectorTestBed()
})
afterEach(() => testBed.close())

test('events of one conversation are handled in order over all topics, of different ones at once', async () => {
  const seen: string[] = []
  const held = openGate()
  testBed.deploy(
    testFunction(async event => {
      seen.push(event.id)
      if (event.id === 'a1') await held.passed
      return resultDraft(event.id)
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(() => expect(seen).toEqual(['a1']))
  await testBed.events.publish([
    timerEvent('a2', 'a'),
    messageEvent('b1', 'b'),
    messageEvent('a3', 'a'),
    timerEvent('b2', 'b'),
  ])
  await waitUntil(() => expect(seen).toEqual(expect.arrayContaining(['a1', 'b1', 'b2'])))
  expect(seen).toHaveLength(3)
  held.open()
  await waitUntil(() => expect(seen).toHaveLength(5))
  // Between topics only the time of arrival gives an order; within a topic the order is kept.
  expect(seen.slice(3).sort()).toEqual(['a2', 'a3'])
  await waitUntil(async () =>
    expect((await testBed.results()).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']),
  )
})

test('many conversations keep their order while some of them fail for a while', async () => {
  const seen = new Map<string, string[]>()
  const failed = new Set<string>()
  testBed.deploy(
    testFunction(event => {
      const isFirstTry = !failed.has(event.id)
      failed.add(event.id)
      if (isFirstTry && Number(event.id.split('-')[1]) % 7 === 0) throw new Error('not at the first try')
      seen.set(event.subject, [...(seen.get(event.subject) ?? []), event.id])
    }),
  )
  const all = Array.from({ length: 600 }, (_, n) => messageEvent(`n-${n}`, `talk-${n % 40}`))
  await testBed.start()
  for (let n = 0; n < all.length; n += 50) await testBed.events.publish(all.slice(n, n + 50))
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  for (let talk = 0; talk < 40; talk++)
    expect(seen.get(`talk-${talk}`)).toEqual(
      all.filter(({ subject }) => subject === `talk-${talk}`).map(({ id }) => id),
    )
  expect(await testBed.deadLetters()).toEqual([])
})

test('after a crash what was not finished comes again, from the first unfinished one of its partition', async () => {
  const [a, b, c, d] = keysOnPartition(4)
  const [elsewhere] = keysOnPartition(1, 1)
  const never = testFunction(async event => {
    if (event.id === 'b1') await new Promise(() => undefined)
    return resultDraft(event.id)
  })
  testBed.deploy(never)
  const connector = await testBed.start()
  await testBed.events.publish([
    messageEvent('a1', a!),
    messageEvent('b1', b!),
    messageEvent('c1', c!),
    messageEvent('e1', elsewhere!),
    messageEvent('d1', d!),
    messageEvent('b2', b!),
  ])
  await waitUntil(async () => expect(await testBed.lag()).toBe(4))
  const seen: string[] = []
  const later = await testBed.afterPowerCut()
  later.deploy(
    testFunction(event => {
      seen.push(event.id)
      return resultDraft(event.id)
    }),
  )
  await later.start()
  await waitUntil(async () => expect(await later.lag()).toBe(0))
  expect(seen.sort()).toEqual(['b1', 'b2', 'c1', 'd1'])
  // An event that was handled twice makes the same ids twice, so readers recognise the repetition.
  const events = await later.eventsOn('lares.result')
  expect(new Set(events.map(({ id }) => id)).size).toBe(6)
  expect(events).toHaveLength(8)
  await connector.close()
})

test('a stop in order commits what is finished and leaves the rest', async () => {
  const [a, b] = keysOnPartition(2)
  testBed.deploy(
    testFunction(async (event, { signal }) => {
      if (event.id === 'b1') await new Promise((_, reject) => signal.addEventListener('abort', reject))
      return resultDraft(event.id)
    }),
  )
  const connector = await testBed.start()
  await testBed.events.publish([messageEvent('a1', a!), messageEvent('b1', b!)])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a1']))
  await connector.close()
  expect(await testBed.lag()).toBe(1)
  await testBed.events.publish([messageEvent('a2', a!)])
  expect(await testBed.lag()).toBe(2)
  expect(await testBed.deadLetters()).toEqual([])
})

test('a partition with too much unfinished work is paused, and goes on when it is done', async () => {
  const keys = keysOnPartition(40)
  const held = openGate()
  let taken = 0
  const seen = new Map<string, number[]>(keys.map(key => [key, []]))
  testBed.deploy(
    testFunction(async event => {
      await held.passed
      seen.get(event.subject)!.push(Number(event.id))
    }),
  )
  const { subscribe } = testBed.bus
  testBed.bus.subscribe = options =>
    subscribe({
      ...options,
      onRecords(records) {
        taken += records.length
        options.onRecords(records)
      },
    })
  const total = 4 * MAX_UNFINISHED
  const all = Array.from({ length: total }, (_, n) => messageEvent(String(n), keys[n % 40]!))
  await testBed.events.publish(all)
  await testBed.start()
  await waitUntil(() => expect(taken).toBeGreaterThanOrEqual(MAX_UNFINISHED))
  await testBed.bus.check()
  expect(taken).toBeLessThan(1.5 * MAX_UNFINISHED)
  held.open()
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  expect(taken).toBe(total)
  for (const [index, key] of keys.entries())
    expect(seen.get(key)).toEqual(all.map(({ id }) => Number(id)).filter(n => n % 40 === index))
})

test('a conversation that floods does not stop those behind it on its partition', async () => {
  const [flooder, other] = keysOnPartition(2)
  const held = openGate()
  const seen: string[] = []
  testBed.deploy(
    testFunction(async event => {
      if (event.subject === flooder) await held.passed
      seen.push(event.id)
    }),
  )
  const total = 3 * MAX_UNFINISHED
  const flood = Array.from({ length: total }, (_, n) => messageEvent(`f${n}`, flooder!))
  await testBed.events.publish([...flood, messageEvent('o1', other!)])
  await testBed.start()
  await waitUntil(() => expect(seen).toEqual(['o1']))
  held.open()
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  expect(seen).toEqual(['o1', ...flood.map(({ id }) => id)])
})

test('a record that waited on the log is delivered when the log can be read again', async () => {
  const [flooder] = keysOnPartition(1)
  const { read } = testBed.bus
  let refusals = 0
  testBed.bus.read = async (...asked) => {
    if (refusals++ === 0) throw new LaresError('unavailable', 'not now')
    return await read(...asked)
  }
  const seen: string[] = []
  testBed.deploy(testFunction(event => void seen.push(event.id)))
  const flood = Array.from({ length: 200 }, (_, n) => messageEvent(`f${n}`, flooder!))
  await testBed.events.publish(flood)
  await testBed.start()
  await waitUntil(() => expect(seen).toEqual(flood.map(({ id }) => id)))
  expect(refusals).toBeGreaterThan(1)
})

test('what another member has taken over is neither started nor committed here', async () => {
  const [a, b] = keysOnPartition(2, 1)
  const held = openGate()
  const seen: string[] = []
  testBed.deploy(
    testFunction(async event => {
      seen.push(event.id)
      if (event.id === 'a1' && seen.length === 1) await held.passed
    }),
  )
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', a!), messageEvent('a2', a!)])
  await waitUntil(() => expect(seen).toEqual(['a1']))
  // The second member gets every other partition; this one is the first of them.
  await testBed.start()
  await waitUntil(() => expect(seen).toEqual(['a1', 'a1', 'a2']))
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  await testBed.events.publish([messageEvent('b1', b!)])
  await waitUntil(() => expect(seen).toEqual(['a1', 'a1', 'a2', 'b1']))
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  held.open()
  await new Promise(setImmediate)
  expect(seen).toEqual(['a1', 'a1', 'a2', 'b1'])
  expect(await testBed.lag()).toBe(0)
})

test('a commit that fails is made up for, though nothing else is finished', async () => {
  const { subscribe } = testBed.bus
  let failures = 0
  testBed.bus.subscribe = async options => {
    const subscription = await subscribe(options)
    const commit: typeof subscription.commit = positions =>
      failures++ < 2
        ? Promise.reject(new LaresError('unavailable', 'not now'))
        : subscription.commit(positions)
    return { ...subscription, commit }
  }
  testBed.deploy(testFunction(() => undefined))
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  expect(failures).toBe(3)
})

test('a function that is added is served from its first event, one that is removed not any more', async () => {
  testBed.deploy(testFunction(event => resultDraft(`old ${event.id}`), { name: 'old' }))
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['old a1']))
  testBed.deploy(testFunction(event => resultDraft(`new ${event.id}`), { name: 'new' }))
  await waitUntil(async () => expect(await testBed.results()).toEqual(['old a1', 'new a1']))
  await waitUntil(async () => expect(await testBed.lag('old')).toBe(0))
  testBed.undeploy('old')
  await waitUntil(async () => {
    await testBed.events.publish([messageEvent(crypto.randomUUID(), 'a')])
    const lags = await testBed.bus.lag('lares.old', ['lares.message'])
    expect(lags.reduce((sum, { lag }) => sum + lag, 0)).toBeGreaterThan(1)
  })
  const results = await testBed.results()
  testBed.deploy(testFunction(event => resultDraft(`old ${event.id}`), { name: 'old' }))
  await waitUntil(async () => expect(await testBed.lag('old')).toBe(0))
  expect((await testBed.results()).length).toBeGreaterThan(results.length)
})

test('a source that fails leaves everything as it was', async () => {
  testBed.deploy(testFunction(event => resultDraft(event.id)))
  const source = vi.fn(async () => {
    if (source.mock.calls.length > 1) throw new Error('stack.yml is away')
    return [{ name: 'stage', topics: ['lares.message'] }]
  })
  await testBed.start({ source })
  await waitUntil(() => expect(source.mock.calls.length).toBeGreaterThan(3))
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a1']))
})

test('a start without anything there goes on by itself when it is there', async () => {
  const source = vi.fn(async () => {
    if (source.mock.calls.length < 3) throw new Error('not yet')
    return [{ name: 'stage', topics: ['lares.message'] }]
  })
  const connector = await testBed.start({ source })
  await testBed.events.publish([messageEvent('a1', 'a')])
  testBed.deploy(testFunction(event => resultDraft(event.id)))
  await waitUntil(async () => expect(await testBed.results()).toEqual(['a1']))
  await connector.close()
})

test('a bus that refuses one function does not keep the others from being served, nor serves any twice', async () => {
  const { subscribe } = testBed.bus
  const joined: string[] = []
  let refusals = 0
  testBed.bus.subscribe = async options => {
    if (options.group === 'lares.second' && refusals++ < 3) throw new LaresError('unavailable', 'not now')
    joined.push(options.group)
    return await subscribe(options)
  }
  for (const name of ['first', 'second', 'third'])
    testBed.deploy(testFunction(event => resultDraft(`${name} ${event.id}`), { name }))
  await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(async () =>
    expect((await testBed.results()).sort()).toEqual(['first a1', 'second a1', 'third a1']),
  )
  expect(joined.sort()).toEqual(['lares.first', 'lares.second', 'lares.third'])
})

test('a closed connector takes nothing more, whatever was on its way', async () => {
  const seen: string[] = []
  testBed.deploy(testFunction(event => void seen.push(event.id)))
  const connector = await testBed.start()
  await testBed.events.publish([messageEvent('a1', 'a')])
  await waitUntil(() => expect(seen).toEqual(['a1']))
  const closing = connector.close()
  await testBed.events.publish([messageEvent('a2', 'a')])
  await closing
  await testBed.bus.check()
  expect(seen).toEqual(['a1'])
  expect(await testBed.lag()).toBe(1)
})

test('what waited on a partition that another connector has taken over is held by that one alone', async () => {
  const held = openGate()
  testBed.deploy(testFunction(() => held.passed))
  const talks = Array.from({ length: 12 }, (_, n) => `talk-${n}`)
  const first = await testBed.start()
  await testBed.events.publish(
    talks.flatMap(talk => [messageEvent(`${talk} 1`, talk), messageEvent(`${talk} 2`, talk)]),
  )
  await waitUntil(() => expect(first.loads()).toEqual([{ function: 'stage', running: 12, held: 24 }]))
  const second = await testBed.start()
  // The first member finishes its running records. Except for those, the work of the moved partitions is counted once.
  await waitUntil(() => {
    const [one, other] = [first.loads()[0]!, second.loads()[0]!]
    expect(other.held).toBeGreaterThan(0)
    expect(one).toEqual({ function: 'stage', running: 12, held: 24 - other.held / 2 })
  })
  held.open()
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  expect([...first.loads(), ...second.loads()].map(load => load.held)).toEqual([0, 0])
})
