import fastify from 'fastify'
import { afterEach, expect, test, vi } from 'vitest'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { registerLogRoutes } from '../../provider/api/log-routes.ts'
import type { Backend, LogLine } from '../../provider/backend.ts'
import { logsCommand } from './logs.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const lines: LogLine[] = ['one', 'two \u001b[2J'].map(text => ({
  name: 'time',
  namespace: 'openfaas-fn',
  instance: '1',
  timestamp: '2026-05-01T12:00:00.000Z',
  text,
}))

test('the log of a function comes from the provider, and cannot steer the terminal', async () => {
  const app = fastify()
  const asked: unknown[] = []
  const backend = {
    async *logs(query: unknown) {
      asked.push(query)
      yield* lines
    },
  } as unknown as Backend
  registerLogRoutes(app, backend, new AbortController().signal)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  closers.push(() => app.close())
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  closers.push(async () => written.mockRestore())
  const environment = readEnvironment({ OPENFAAS_URL: url, PROVIDER_PASSWORD: 'a-password' })
  expect(await logsCommand(environment, 'time', { last: 5 })).toBe(0)
  expect(asked).toEqual([{ name: 'time', follow: false, tail: 5 }])
  expect(written.mock.calls.map(([text]) => text)).toEqual(['12:00:00 one\n', '12:00:00 two [2J\n'])
})

test('without a provider the command says where the log is', async () => {
  await expect(logsCommand(readEnvironment({}), 'time', { last: 5 })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching('standard error'),
  })
})
