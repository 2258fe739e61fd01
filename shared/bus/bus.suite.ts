import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Bus, BusRecord, SubscribeOptions, TopicPartition } from './bus.ts'
import type { MemberCommand } from './bus-member.fixture.ts'
import {
  createMessage,
  keyOnOtherPartition,
  nextMillisecond,
  numberMessage,
  numbersIn,
  numbersOfKey,
  positionsAfter,
  range,
  sum,
  WAIT_TIMEOUT_MS,
  waitUntil,
} from './bus-records.fixture.ts'
import { MAX_RECORD_BYTES } from './message.ts'
import { partitionOf } from './partition.ts'

/**
 * A log on which the suite tests a driver. Each test opens it once, and sometimes another process opens it in between.
 */
export type BusUnderTest = {
  open(): Promise<Bus>
  /** How another process opens the same log. */
  opener: MemberCommand['opener']
  stop(): Promise<void>
}

/** The guarantees of the port `Bus`, for every driver. */
export function busSuite(name: string, openBusUnderTest: () => Promise<BusUnderTest>): void {
  describe(name, { timeout: 2 * WAIT_TIMEOUT_MS }, () => {
    let log: BusUnderTest
    let bus: Bus
    const members: ChildProcess[] = []

    beforeAll(async () => {
      log = await openBusUnderTest()
    }, 300_000)
    afterEach(async () => {
      for (const member of members.splice(0)) member.kill('SIGKILL')
      await bus.close()
    })
    afterAll(() => log.stop(), 60_000)

    /** Opens the log with topics and a group of its own for each test. */
    async function setUp(...topics: string[]) {
      bus = await log.open()
      const id = randomUUID().slice(0, 8)
      const names = topics.map(topic => `${topic}-${id}`)
      await bus.ensureTopics(names.map(name => ({ name })))
      return { group: `group-${id}`, topic: names[0]!, names }
    }

    async function join(group: string, topic: string, options: Partial<SubscribeOptions> = {}) {
      const records: BusRecord[] = []
      const revoked: TopicPartition[] = []
      const subscription = await bus.subscribe({
        group,
        topics: [topic],
        onRecords: batch => records.push(...batch),
        onRevoked: partitions => revoked.push(...partitions),
        ...options,
      })
      return { ...subscription, records, revoked }
    }

    /**
     * Starts another process that reads, commits each partition up to its share of `recordsToCommit`, and reports that.
     */
    async function startMember(order: Omit<MemberCommand, 'opener'>): Promise<ChildProcess> {
      const path = new URL('./bus-member.fixture.ts', import.meta.url)
      const argument = JSON.stringify({ ...order, opener: log.opener })
      const child = spawn(process.execPath, [path.pathname, argument], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      members.push(child)
      for await (const line of createInterface({ input: child.stdout! })) if (line === 'done') break
      return child
    }

    async function kill(child: ChildProcess): Promise<void> {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }

    describe('publish', () => {
      test('keeps the order of each key, also when calls are not awaited', async () => {
        const { group, topic } = await setUp('orders')
        const calls = range(300).map(n => bus.publish([numberMessage(topic, `key-${n % 7}`, n)]))
        await Promise.all(calls)
        const { records } = await join(group, topic)
        await waitUntil(() => expect(records).toHaveLength(300))
        for (const key of new Set(records.map(record => record.key)))
          expect(numbersIn(records.filter(record => record.key === key))).toEqual(
            range(300).filter(n => `key-${n % 7}` === key),
          )
      })

      test('puts a key on the same partition of every topic', async () => {
        const { names } = await setUp('first', 'second')
        await bus.publish(names.flatMap(topic => range(40).map(n => numberMessage(topic, `k${n}`, n))))
        for (const topic of names)
          for (const record of await bus.read(topic))
            expect(record.partition).toBe(partitionOf(record.key, (await bus.lag('g', [topic])).length))
      })

      test('keeps headers, binary values and keys of any script as they are', async () => {
        const { group, topic } = await setUp('bytes')
        const sent = [
          createMessage(topic, '会話-🙂', Buffer.from([0, 255, 128, 10, 13]), { 'ce-id': 'ü', empty: '' }),
          createMessage(topic, 'nul\0in key', Buffer.alloc(0), {}),
          createMessage(topic, '', Buffer.from(range(256)), { a: '1', b: 'x'.repeat(5_000), __proto: '🙂' }),
        ]
        await bus.publish(sent)
        const { records } = await join(group, topic)
        await waitUntil(() => expect(records).toHaveLength(3))
        for (const expected of sent)
          expect(records.find(record => record.key === expected.key)).toMatchObject(expected)
      })

      test('refuses a record that is too large and takes its neighbours', async () => {
        const { topic } = await setUp('large')
        const [over, under] = await Promise.allSettled([
          bus.publish([createMessage(topic, 'k', Buffer.alloc(MAX_RECORD_BYTES))]),
          bus.publish([createMessage(topic, 'k', Buffer.alloc(MAX_RECORD_BYTES - 1_000))]),
        ])
        expect(over).toMatchObject({ status: 'rejected', reason: { code: 'too_large', retryable: false } })
        expect(under.status).toBe('fulfilled')
        expect(await bus.read(topic)).toHaveLength(1)
      })

      test('takes many large records in one turn', async () => {
        const { topic } = await setUp('bulk')
        await bus.publish(range(12).map(() => createMessage(topic, 'one', Buffer.alloc(600_000))))
        expect(sum((await bus.lag('g', [topic])).map(({ end }) => end))).toBe(12)
      })

      test('says so when the topic does not exist', async () => {
        const { topic } = await setUp('known')
        const [unknown, known] = await Promise.allSettled([
          bus.publish([numberMessage(`un${topic}`, 'k', 1)]),
          bus.publish([numberMessage(topic, 'k', 1)]),
        ])
        expect(unknown).toMatchObject({ status: 'rejected', reason: { code: 'not_found' } })
        expect(known.status).toBe('fulfilled')
      })

      test('says so after close', async () => {
        const { group, topic } = await setUp('closed')
        const member = await join(group, topic)
        await bus.close()
        await bus.close()
        await member.close()
        const options = { group, topics: [topic], onRecords: () => undefined }
        const calls = [
          () => bus.publish([numberMessage(topic, 'k', 1)]),
          () => bus.ensureTopics([{ name: `${topic}-new` }]),
          () => bus.subscribe(options),
          () => bus.tail(options),
          () => bus.read(topic),
          () => bus.lag(group, [topic]),
          () => bus.reset(group, topic, 'latest'),
          () => bus.check(),
        ]
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'unavailable' })
      })
    })

    describe('a group', () => {
      test('gets every record once, whatever other groups do', async () => {
        const { group, topic } = await setUp('groups')
        const one = await join(`${group}-1`, topic)
        const other = await join(`${group}-2`, topic)
        await bus.publish(range(60).map(n => numberMessage(topic, `k${n}`, n)))
        await waitUntil(() => expect([one.records.length, other.records.length]).toEqual([60, 60]))
        await one.commit(positionsAfter(one.records))
        expect(sum((await bus.lag(`${group}-2`, [topic])).map(({ lag }) => lag))).toBe(60)
      })

      test('shares the partitions among its members, and keeps those of one that leaves', async () => {
        const { group, topic } = await setUp('shared')
        const one = await join(group, topic)
        const two = await join(group, topic)
        let sent = 0
        const publish = () => bus.publish(range(60).map(n => numberMessage(topic, `k${n}`, sent++)))
        // A member that has just joined may need a moment to get its partitions.
        await waitUntil(async () => {
          await publish()
          expect(two.records.length).toBeGreaterThan(0)
        })
        expect(one.revoked.length).toBeGreaterThan(0)
        await two.close()
        const seenByTwo = two.records.length
        await publish()
        await waitUntil(() =>
          expect(new Set(numbersIn([...one.records, ...two.records]))).toEqual(new Set(range(sent))),
        )
        expect(two.records).toHaveLength(seenByTwo)
      })

      test('drops commits of partitions that went to another member', async () => {
        const { group, topic } = await setUp('dropped')
        const one = await join(group, topic)
        await bus.publish(range(60).map(n => numberMessage(topic, `k${n}`, n)))
        await waitUntil(() => expect(one.records).toHaveLength(60))
        const two = await join(group, topic)
        await waitUntil(() => expect(two.records.length).toBeGreaterThan(0))
        await one.commit(positionsAfter(one.records))
        const lost = new Set(two.records.map(({ partition }) => partition))
        for (const { partition, committed } of await bus.lag(group, [topic]))
          if (lost.has(partition)) expect(committed ?? 0).toBe(0)
      })

      test('reads a topic that is created after it subscribed', async () => {
        const { group, topic } = await setUp('early')
        const late = `${topic}-late`
        const { records } = await join(group, late)
        await bus.ensureTopics([{ name: late }, { name: late }])
        await bus.publish(range(20).map(n => numberMessage(late, `k${n}`, n)))
        await waitUntil(() => expect(records).toHaveLength(20))
      })

      test('goes on after the last committed position when its process is killed', async () => {
        const { group, topic } = await setUp('committed')
        await bus.publish(range(30).map(n => numberMessage(topic, 'one', n)))
        await bus.close()
        await kill(await startMember({ group, topic, expectedRecords: 30, recordsToCommit: 10 }))
        bus = await log.open()
        const { records } = await join(group, topic)
        await waitUntil(() => expect(numbersIn(records)).toEqual(range(30).slice(10)))
      })

      test('delivers again what a killed process has read and not committed', async () => {
        const { group, topic } = await setUp('uncommitted')
        await bus.publish(range(30).map(n => numberMessage(topic, 'one', n)))
        await bus.close()
        await kill(await startMember({ group, topic, expectedRecords: 30, recordsToCommit: 0 }))
        bus = await log.open()
        const { records } = await join(group, topic)
        await waitUntil(() => expect(numbersIn(records)).toEqual(range(30)))
      })

      test('stops a partition while it is paused and goes on where it stopped', async () => {
        const { group, topic } = await setUp('paused')
        const member = await join(group, topic)
        await bus.publish([
          numberMessage(topic, 'one', 0),
          numberMessage(topic, keyOnOtherPartition('one'), 0),
        ])
        await waitUntil(() => expect(member.records).toHaveLength(2))
        const paused = [{ topic, partition: member.records.find(({ key }) => key === 'one')!.partition }]
        member.pause(paused)
        await bus.publish(
          range(50).flatMap(n => [
            numberMessage(topic, 'one', n),
            numberMessage(topic, keyOnOtherPartition('one'), n),
          ]),
        )
        await waitUntil(() =>
          expect(numbersOfKey(member.records, keyOnOtherPartition('one'))).toHaveLength(51),
        )
        expect(numbersOfKey(member.records, 'one')).toHaveLength(1)
        member.resume(paused)
        await waitUntil(() => expect(numbersOfKey(member.records, 'one')).toEqual([0, ...range(50)]))
      })

      test('pauses from within onRecords without losing or repeating a record', async () => {
        const { group, topic } = await setUp('throttled')
        await bus.publish(range(2_000).map(n => numberMessage(topic, 'one', n)))
        const seen: BusRecord[] = []
        const member = await bus.subscribe({
          group,
          topics: [topic],
          onRecords(records) {
            seen.push(...records)
            const partitions = [{ topic, partition: records[0]!.partition }]
            member.pause(partitions)
            setImmediate(() => member.resume(partitions))
          },
        })
        await waitUntil(() => expect(numbersIn(seen)).toEqual(range(2_000)))
      })

      test('gets no record after close', async () => {
        const { group, topic } = await setUp('left')
        const member = await join(group, topic)
        await bus.publish([numberMessage(topic, 'one', 0)])
        await waitUntil(() => expect(member.records).toHaveLength(1))
        await member.close()
        const { records } = await join(`${group}-other`, topic)
        await bus.publish([numberMessage(topic, 'one', 1)])
        await waitUntil(() => expect(records).toHaveLength(2))
        expect(member.records).toHaveLength(1)
      })

      test('reads 10,000 records', async () => {
        const { group, topic } = await setUp('many')
        const value = Buffer.alloc(1_000)
        await bus.publish(
          range(10_000).map(n => createMessage(topic, `k${n % 100}`, value, { n: String(n) })),
        )
        const { records } = await join(group, topic)
        await waitUntil(() => expect(records.length).toBe(10_000))
        for (const key of range(100).map(n => `k${n}`)) {
          const order = records.filter(record => record.key === key).map(({ headers }) => Number(headers.n))
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }
      })

      test('says how far it is behind', async () => {
        const { group, topic } = await setUp('lag')
        await bus.publish(range(10).map(n => numberMessage(topic, 'one', n)))
        const before = (await bus.lag(group, [topic])).find(({ end }) => end > 0)
        expect(before).toMatchObject({ topic, committed: null, end: 10, lag: 10 })
        const member = await join(group, topic)
        await waitUntil(() => expect(member.records).toHaveLength(10))
        await member.commit([{ topic, partition: before!.partition, offset: 4 }])
        const after = await bus.lag(group, [topic])
        expect(after.find(({ end }) => end > 0)).toMatchObject({ committed: 4, end: 10, lag: 6 })
        expect(sum(after.map(({ lag }) => lag))).toBe(6)
      })
    })

    describe('replay', () => {
      test.each([
        ['the earliest record', () => 'earliest' as const, 0],
        ['an offset', () => ({ offset: 6 }), 6],
        ['a time', (timeMs: number) => ({ timeMs }), 5],
        ['the end', () => 'latest' as const, 10],
      ])('starts a group again from %s', async (_, to, first) => {
        const { group, topic } = await setUp('replay')
        await bus.publish(range(5).map(n => numberMessage(topic, 'one', n)))
        const middle = await nextMillisecond()
        await bus.publish(range(5).map(n => numberMessage(topic, 'one', n + 5)))
        const reader = await join(group, topic)
        await waitUntil(() => expect(reader.records).toHaveLength(10))
        await reader.commit(positionsAfter(reader.records))
        await reader.close()
        await waitUntil(() => bus.reset(group, topic, to(middle)))
        const { records } = await join(group, topic)
        await bus.publish([numberMessage(topic, 'one', 10)])
        await waitUntil(() => expect(numbersIn(records)).toEqual(range(11).slice(first)))
      })

      test('is refused while the group has members', async () => {
        const { group, topic } = await setUp('busy')
        const member = await join(group, topic)
        await bus.publish([numberMessage(topic, 'one', 0)])
        await waitUntil(() => expect(member.records).toHaveLength(1))
        await expect(bus.reset(group, topic, 'earliest')).rejects.toMatchObject({ code: 'busy' })
      })
    })

    describe('read', () => {
      test('gives the records from an offset or a time, oldest first', async () => {
        const { topic } = await setUp('stored')
        await bus.publish(range(5).map(n => numberMessage(topic, `k${n}`, n)))
        const middle = await nextMillisecond()
        await bus.publish(range(5).map(n => numberMessage(topic, 'one', n + 5)))
        expect(numbersIn(await bus.read(topic)).toSorted((a, b) => a - b)).toEqual(range(10))
        expect(numbersIn(await bus.read(topic, { from: { timeMs: middle } }))).toEqual([5, 6, 7, 8, 9])
        const [last] = (await bus.read(topic)).slice(-1)
        const { partition, offset } = last!
        const from = await bus.read(topic, { partition, from: { offset: offset - 2 }, limit: 2 })
        expect(numbersIn(from)).toEqual([7, 8])
      })

      test('finds nothing in an unknown topic, in an empty one, and past the end', async () => {
        const { topic } = await setUp('empty')
        expect(await bus.read(`${topic}-unknown`)).toEqual([])
        expect(await bus.read(topic)).toEqual([])
        await bus.publish([numberMessage(topic, 'one', 0)])
        const [record] = await bus.read(topic)
        expect(await bus.read(topic, { partition: record!.partition, from: { offset: 1 } })).toEqual([])
        expect(await bus.read(topic, { from: { timeMs: record!.timestampMs + 60_000 } })).toEqual([])
      })
    })

    test('a tail sees everything from now on, and each tail sees all of it', async () => {
      const { topic } = await setUp('tailed')
      await bus.publish([numberMessage(topic, 'one', 0)])
      const seen = await Promise.all(
        range(2).map(async () => {
          const records: BusRecord[] = []
          const tail = await bus.tail({ topics: [topic], onRecords: batch => records.push(...batch) })
          return { records, tail }
        }),
      )
      await bus.publish(range(20).map(n => numberMessage(topic, `k${n}`, n + 1)))
      for (const { records } of seen)
        await waitUntil(() =>
          expect(numbersIn(records).toSorted((a, b) => a - b)).toEqual(range(21).slice(1)),
        )
      await seen[0]!.tail.close()
      await bus.publish([numberMessage(topic, 'one', 21)])
      await waitUntil(() => expect(seen[1]!.records).toHaveLength(21))
      expect(seen[0]!.records).toHaveLength(20)
    })

    test('check passes while the log can be written', async () => {
      await setUp('checked')
      await bus.check()
    })
  })
}
