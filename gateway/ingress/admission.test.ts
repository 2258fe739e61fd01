import { expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import type { Backlog } from '../../shared/store/store.ts'
import { openAdmission } from './admission.ts'

const LIMITS = { conversation: 5, person: 5, all: 5 }
const sender = { conversation: 'c', person: 'ann' }

test('a count that cannot be read fails who asked for it, and nobody who came in meanwhile', async () => {
  const failing = Promise.withResolvers<Backlog[]>()
  let nowMs = 0
  let counts: Promise<Backlog[]> = Promise.resolve([])
  const history = { backlog: (conversation?: string) => (conversation ? Promise.resolve([]) : counts) }
  const pressure = openAdmission(history, LIMITS, () => nowMs)
  const leave = await pressure.admit(sender)
  nowMs = 1_000
  counts = failing.promise
  const next = pressure.admit(sender)
  leave()
  failing.reject(new LaresError('unavailable', 'the store is away'))
  await expect(next).rejects.toThrow('the store is away')
  counts = Promise.resolve([])
  await expect(pressure.admit(sender)).resolves.toBeTypeOf('function')
})

test('who is refused and does not wait is told a second later; others, and who waited, at once', async () => {
  const oldestAt = new Date(0).toISOString()
  const full = async (): Promise<Backlog[]> => [
    { person: 'ann', count: 5, oldestAt },
    { person: 'bob', count: 5, oldestAt },
  ]
  let nowMs = 0
  let waitsMs: number[] = []
  const wait = async (ms: number) => void waitsMs.push(ms)
  const pressure = openAdmission({ backlog: full }, LIMITS, () => nowMs, wait)
  const refusedAfter = async (person: string) => {
    waitsMs = []
    await expect(pressure.admit({ conversation: person, person })).rejects.toMatchObject({ code: 'busy' })
    return waitsMs
  }
  expect(await refusedAfter('ann')).toEqual([])
  nowMs = 900
  expect(await refusedAfter('ann')).toEqual([1_000])
  expect(await refusedAfter('bob')).toEqual([])
  nowMs = 10_000
  expect(await refusedAfter('ann')).toEqual([])
})

test('of those who do not wait only so many are held; beyond, they are refused at once', async () => {
  const full = async (): Promise<Backlog[]> => [
    { person: 'ann', count: 5, oldestAt: new Date(0).toISOString() },
  ]
  const delays: (() => void)[] = []
  const wait = () => new Promise<void>(resolve => delays.push(resolve))
  const pressure = openAdmission({ backlog: full }, LIMITS, () => 0, wait)
  let refused = 0
  const ask = () => pressure.admit(sender).catch(() => refused++)
  await ask()
  const asked = Array.from({ length: 205 }, ask)
  await vi.waitFor(() => expect(delays.length + refused).toBe(206))
  expect(refused).toBe(6)
  for (const end of delays) end()
  await Promise.all(asked)
  expect(refused).toBe(206)
})

test('a conversation in which many wait takes the next ones slowly and in their order, others at once', async () => {
  const oldestAt = new Date(0).toISOString()
  const waiting = async (conversation?: string): Promise<Backlog[]> =>
    conversation === 'full' ? [{ person: 'ann', count: 5, oldestAt }] : []
  const limits = { conversation: 50, person: 50, all: 50 }
  const pauses: (() => void)[] = []
  const wait = () => new Promise<void>(resolve => pauses.push(resolve))
  const pressure = openAdmission({ backlog: waiting }, limits, () => 0, wait)
  const taken: string[] = []
  const take = async (conversation: string, name: string) => {
    const leave = await pressure.admit({ conversation, person: 'ann' })
    taken.push(name)
    leave()
  }
  const slow = ['1', '2', '3'].map(name => take('full', name))
  await Promise.all(['a', 'b', 'c'].map(name => take('empty', name)))
  expect(taken).not.toContain('2')
  for (const next of ['2', '3']) {
    await vi.waitFor(() => expect(pauses).toHaveLength(1))
    pauses.pop()!()
    await vi.waitFor(() => expect(taken).toContain(next))
  }
  await Promise.all(slow)
  expect(taken.filter(name => /\d/.test(name))).toEqual(['1', '2', '3'])
})
