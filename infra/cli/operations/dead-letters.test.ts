import fastify from 'fastify'
import { afterEach, expect, test, vi } from 'vitest'
import { readEnvironment } from '../../../shared/config/environment.ts'
import type { DeadLetter, FunctionStatus } from '../../../shared/operations/operations.ts'
import { retryDeadLetters } from './dead-letters.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const letter = (id: string, topic: string): DeadLetter => ({
  id,
  conversation: 'c',
  recordedAt: '2026-05-01T12:00:00.000Z',
  function: 'time',
  error: { code: 'failed', message: 'it failed' },
  tries: 5,
  firstTriedAt: '2026-05-01T12:00:00.000Z',
  topic,
  partition: 0,
  offset: 0,
})

/** A gateway over HTTP with these functions and dead letters; it collects the retried ones. */
async function startGatewayWith(functions: Partial<FunctionStatus>[], letters: DeadLetter[]) {
  const retried: string[] = []
  const app = fastify()
  app.get('/api/session', async () => ({ person: 'owner' }))
  app.get('/api/status', async () => ({
    functions: functions.map(one => ({ name: 'time', topics: [], lag: 0, ...one })),
    deadLetters: letters.length,
  }))
  app.get('/api/dead-letters', async () => ({ deadLetters: letters }))
  app.post<{ Params: { id: string } }>('/api/dead-letters/:id/retry', async ({ params }) => {
    retried.push(params.id)
    return letters.find(({ id }) => id === params.id)
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  closers.push(() => app.close())
  const environment = readEnvironment({ LARES_URL: url, LARES_TOKEN: 'a-token-of-this-test' })
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  closers.push(async () => written.mockRestore())
  return { environment, retried, output: () => written.mock.calls.join('') }
}

test('a dead letter whose function is away or removed stays, and says what to do first', async () => {
  const functions = [
    { name: 'time', topics: ['lares.skill.time'], problem: 'it does not answer' },
    { name: 'notes', topics: ['lares.skill.notes'] },
  ]
  const letters = [
    letter('a', 'lares.skill.time'),
    letter('b', 'lares.skill.notes'),
    letter('c', 'lares.skill.gone'),
  ]
  const { environment, retried, output } = await startGatewayWith(functions, letters)
  expect(await retryDeadLetters(environment, undefined, { all: true })).toBe(1)
  expect(retried).toEqual(['b'])
  expect(output()).toMatch(/time cannot be called \(it does not answer\): start it first/)
  expect(output()).toMatch(/no deployed function reads lares\.skill\.gone: deploy it first/)
  expect(await retryDeadLetters(environment, 'a', { force: true })).toBe(0)
  expect(retried).toEqual(['b', 'a'])
})

test('a dead letter of a function that was renamed goes to the function that reads its topic now', async () => {
  const functions = [{ name: 'tock', topics: ['lares.skill.time'] }]
  const { environment, retried } = await startGatewayWith(functions, [letter('a', 'lares.skill.time')])
  expect(await retryDeadLetters(environment, undefined, { all: true })).toBe(0)
  expect(retried).toEqual(['a'])
})
