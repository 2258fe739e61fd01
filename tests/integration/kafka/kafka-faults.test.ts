import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Broker, startBroker } from '../../../infra/kafka/broker.ts'
import type { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import type { Bus, BusRecord } from '../../../shared/bus/bus.ts'
import { openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts'
import { until } from '../../support/until.ts'

const KEYS = 8
const WAIT_TIMEOUT_MS = 60_000

describe.each(['platformatic', 'kafkajs'] as const)('a broker that dies, through %s', client => {
  let dir: string
  let port: number
  let broker: Broker
  let bus: Bus
  let publishing = false

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
    port = await freePort()
    broker = await startBroker({ dir, port })
    bus = await openKafkaBus({ brokers: [broker.brokers], client })
  })
  afterEach(async () => {
    publishing = false
    await bus.close()
    await broker.kill()
    await rm(dir, { recursive: true, force: true })
  })

  const restart = async () => {
    await broker.kill()
    broker = await startBroker({ dir, port })
  }

  /** Publishes numbered records until it is stopped, and retries each until it is accepted; returns their number. */
  async function publishOn(topic: string): Promise<number> {
    publishing = true
    let n = 0
    while (publishing) {
      const key = `key-${n % KEYS}`
      await untilTaken(() => bus.publish([{ topic, key, headers: {}, value: Buffer.from(String(n)) }]))
      n++
    }
    return n
  }

  async function untilTaken(publish: () => Promise<void>): Promise<void> {
    for (;;)
      try {
        return await publish()
      } catch (error) {
        expect(error).toMatchObject({ code: 'unavailable', retryable: true })
      }
  }

  test('loses nothing and keeps the order of each key, for a group and for a tail', async () => {
    const topic = 'faulty'
    await bus.ensureTopics([{ name: topic }])
    const grouped: BusRecord[] = []
    const tailed: BusRecord[] = []
    const member = await bus.subscribe({
      group: 'readers',
      topics: [topic],
      onRecords: records => {
        grouped.push(...records)
        const { partition, offset } = records.at(-1)!
        void member.commit([{ topic, partition, offset: offset + 1 }]).catch(() => undefined)
      },
      onError: () => undefined,
    })
    await bus.tail({
      topics: [topic],
      onRecords: records => tailed.push(...records),
      onError: () => undefined,
    })
    const published = publishOn(topic)
    for (let kill = 0; kill < 3; kill++) {
      const before = grouped.length
      await until(() => grouped.length > before + 50 && tailed.length > before + 50, WAIT_TIMEOUT_MS)
      await restart()
    }
    const before = grouped.length
    await until(() => grouped.length > before + 50, WAIT_TIMEOUT_MS)
    publishing = false
    const total = await published
    for (const records of [grouped, tailed]) {
      await until(() => distinctNumbers(records).length === total, WAIT_TIMEOUT_MS)
      for (let key = 0; key < KEYS; key++) {
        const order = distinctNumbers(records.filter(record => record.key === `key-${key}`))
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
    }
  }, 240_000)

  test('refuses what it cannot take after about ten seconds, and goes on by itself', async () => {
    const topic = 'away'
    await bus.ensureTopics([{ name: topic }])
    const message = { topic, key: 'k', headers: {}, value: Buffer.from('1') }
    await bus.publish([message])
    await broker.kill()
    const startedAt = performance.now()
    const error = await bus.publish([message]).catch((thrown: LaresError) => thrown)
    expect(error).toMatchObject({ code: 'unavailable', retryable: true })
    expect(performance.now() - startedAt).toBeLessThan(13_000)
    await expect(bus.check()).rejects.toMatchObject({ code: 'unavailable' })
    const records: BusRecord[] = []
    const errors: unknown[] = []
    await bus.subscribe({
      group: 'late',
      topics: [topic],
      onRecords: batch => records.push(...batch),
      onError: thrown => errors.push(thrown),
    })
    expect(errors.length).toBeGreaterThan(0)
    broker = await startBroker({ dir, port })
    await until(() => records.length > 0, WAIT_TIMEOUT_MS)
    await until(
      () =>
        bus.check().then(
          () => true,
          () => false,
        ),
      WAIT_TIMEOUT_MS,
    )
    await bus.publish([message])
    await until(() => records.length >= 2, WAIT_TIMEOUT_MS)
  }, 120_000)
})

/** The first occurrence of each number: readers recognise repetitions after a fault by the id. */
const distinctNumbers = (records: BusRecord[]): number[] => [
  ...new Set(records.map(({ value }) => Number(value))),
]
