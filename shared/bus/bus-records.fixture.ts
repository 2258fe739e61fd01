import { expect, vi } from 'vitest'
import type { BusMessage, BusRecord } from './bus.ts'
import { partitionOf } from './partition.ts'

export const WAIT_TIMEOUT_MS = 30_000
export const waitUntil = (check: () => unknown) =>
  vi.waitFor(check, { timeout: WAIT_TIMEOUT_MS, interval: 5 })

export const range = (n: number) => Array.from({ length: n }, (_, index) => index)
export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
export const numbersIn = (records: BusRecord[]) => records.map(({ value }) => Number(value.toString()))
export const numbersOfKey = (records: BusRecord[], key: string) =>
  numbersIn(records.filter(record => record.key === key))

export function createMessage(
  topic: string,
  key: string,
  value: Buffer,
  headers: Record<string, string> = {},
): BusMessage {
  return { topic, key, headers, value }
}

export function numberMessage(topic: string, key: string, n: number): BusMessage {
  return createMessage(topic, key, Buffer.from(String(n)))
}

/** A key on another partition, with up to 6 partitions. */
export function keyOnOtherPartition(key: string): string {
  const candidates = range(20).map(n => `other-${n}`)
  return candidates.find(other => partitionOf(other, 6) !== partitionOf(key, 6))!
}

export function positionsAfter(records: BusRecord[]) {
  const ends = new Map(
    records.map(({ topic, partition, offset }) => [
      `${topic}/${partition}`,
      { topic, partition, offset: offset + 1 },
    ]),
  )
  return [...ends.values()]
}

/** Waits for a time that is later than all earlier ones and not later than any that follows. */
export async function nextMillisecond(): Promise<number> {
  const now = Date.now()
  await waitUntil(() => expect(Date.now()).toBeGreaterThan(now + 1))
  return now + 1
}
