import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../../shared/config/files.ts'
import { openMetrics } from '../../../shared/observability/metrics.ts'
import { ask, openEvents, openSocket, say } from './client.ts'
import { ALICE, type House, openHouse } from './gateway-instance.ts'

const FOR_PROMETHEUS = 'a-token-for-prometheus'

let house: House

beforeEach(async () => {
  const config = {
    ...readConfig('no-such-directory', 'gateway'),
    people: [{ person: 'alice', token: ALICE }],
    metricsToken: FOR_PROMETHEUS,
  }
  house = await openHouse({ parts: { metrics: openMetrics(), config } })
})
afterEach(() => house.close())

const page = async () => (await (await ask(house, '/metrics')).text()).split('\n')
const request = (route: string, status: number, method = 'GET') =>
  `http_server_request_duration_seconds_count{http_request_method="${method}",url_scheme="http",http_route="${route}",http_response_status_code="${status}"}`

test('the owner and whoever has the token for it get the page, others do not', async () => {
  for (const token of [undefined, FOR_PROMETHEUS]) {
    const answer = await ask(house, '/metrics', token ? { token } : {})
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
  }
  expect((await ask(house, '/metrics', { token: ALICE })).status).toBe(403)
  expect((await ask(house, '/metrics', { token: 'of-nobody-at-all' })).status).toBe(401)
  expect((await ask(house, '/metrics', { token: null })).status).toBe(401)
})

test('the token for the metrics opens nothing else', async () => {
  for (const path of ['/api/conversations', '/v1/models', '/api/session'])
    expect((await ask(house, path, { token: FOR_PROMETHEUS })).status).toBe(401)
})

test('requests are measured by their route, whatever path was asked for', async () => {
  await say(house, 'hello', { conversation: 'c1' })
  for (const id of ['c1', 'c2', 'c3']) await ask(house, `/api/conversations/${id}/messages`)
  await ask(house, '/no/such/path')
  await expect
    .poll(page)
    .toEqual(
      expect.arrayContaining([
        `${request('/api/messages', 202, 'POST')} 1`,
        `${request('/api/conversations/:id/messages', 200)} 1`,
        `${request('/api/conversations/:id/messages', 404)} 2`,
        `${request('', 404)} 1`,
      ]),
    )
})

test('a stream and a socket are under way until they end', async () => {
  await say(house, 'hello', { conversation: 'c1' })
  const underWay = 'http_server_active_requests{http_request_method="GET",url_scheme="http"}'
  const events = await openEvents(house, 'c1')
  const { socket } = await openSocket(house)
  // The request for the page itself is one.
  await expect.poll(page).toContain(`${underWay} 3`)
  events.close()
  socket.close()
  await expect.poll(page).toContain(`${underWay} 1`)
})

test('messages are counted by channel, and those sent again as dropped', async () => {
  for (const key of ['k1', 'k1', 'k2']) await say(house, 'hello', { conversation: 'c1', key })
  expect(await page()).toEqual(
    expect.arrayContaining([
      'lares_messages_accepted_total{channel="api"} 2',
      'lares_duplicates_total{place="gateway"} 1',
    ]),
  )
})
