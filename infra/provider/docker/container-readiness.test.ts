import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../../../shared/base/free-port.ts'
import { respondsAgain, untilReady } from './container-readiness.ts'

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach(server => void server.close()))

/** Starts a function that answers with these statuses in turn, and with the last one from then on. */
async function startFunction(...statuses: number[]): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(statuses.length > 1 ? statuses.shift()! : statuses[0]!).end()
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const runsOn = Promise.withResolvers<undefined>().promise
const tail = async () => 'no module found'

test('a container is ready when it answers, however often it was not ready before', async () => {
  const origin = await startFunction(503, 503, 200)
  await untilReady({ origin, ended: runsOn, tail })
})

test('a container without a readiness page is ready when it answers at all', async () => {
  await untilReady({ origin: await startFunction(404), ended: runsOn, tail })
})

test('a container that ends while it starts is an error with its exit code and its last lines', async () => {
  const origin = `http://127.0.0.1:${await freePort()}`
  await expect(untilReady({ origin, ended: Promise.resolve(7), tail })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'it ended with 7: no module found',
  })
})

test('a container that never answers is an error after the time that it has', async () => {
  const origin = await startFunction(503)
  await expect(untilReady({ origin, ended: runsOn, tail }, 50)).rejects.toThrow(/not ready within 0.05 s/)
})

test('a paused container that does not answer in time counts as broken', async () => {
  expect(await respondsAgain(await startFunction(503), 50)).toBe(false)
  expect(await respondsAgain(await startFunction(503, 200))).toBe(true)
})
