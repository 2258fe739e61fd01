import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../../shared/config/files.ts'
import { openMetrics } from '../../../shared/observability/metrics.ts'
import { openEventStream, openSocket, sendMessage, sendRequest } from './client.ts'
import { ALICE_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

const METRICS_TOKEN = 'a-token-for-prometheus'

let gateway: TestGateway

beforeEach(async () => {
  const config = {
    ...readConfig('no-such-directory', 'gateway'),
    people: [{ person: 'alice', token: ALICE_TOKEN }],
    metricsToken: METRICS_TOKEN,
  }
  gateway = await openTestGateway({ overrides: { metrics: openMetrics(), config } })
})
afterEach(() => gateway.close())

const readMetrics = async () => (await (await sendRequest(gateway, '/metrics')).text()).split('\n')
const durationSeries = (route: string, status: number, method = 'GET') =>
  `http_server_request_duration_seconds_count{http_request_method="${method}",url_scheme="http",http_route="${route}",http_response_status_code="${status}"}`

test('the owner and whoever has the token for it get the page, others do not', async () => {
  for (const token of [undefined, METRICS_TOKEN]) {
    const answer = await sendRequest(gateway, '/metrics', token ? { token } : {})
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
  }
  expect((await sendRequest(gateway, '/metrics', { token: ALICE_TOKEN })).status).toBe(403)
  expect((await sendRequest(gateway, '/metrics', { token: 'of-nobody-at-all' })).status).toBe(401)
  expect((await sendRequest(gateway, '/metrics', { token: null })).status).toBe(401)
})

test('the token for the metrics opens nothing else', async () => {
  for (const path of ['/api/conversations', '/v1/models', '/api/session'])
    expect((await sendRequest(gateway, path, { token: METRICS_TOKEN })).status).toBe(401)
})

test('requests are measured by their route, whatever path was asked for', async () => {
  await sendMessage(gateway, 'hello', { conversation: 'c1' })
  for (const id of ['c1', 'c2', 'c3']) await sendRequest(gateway, `/api/conversations/${id}/messages`)
  await sendRequest(gateway, '/no/such/path')
  await expect
    .poll(readMetrics)
    .toEqual(
      expect.arrayContaining([
        `${durationSeries('/api/messages', 202, 'POST')} 1`,
        `${durationSeries('/api/conversations/:id/messages', 200)} 1`,
        `${durationSeries('/api/conversations/:id/messages', 404)} 2`,
        `${durationSeries('', 404)} 1`,
      ]),
    )
})

test('a stream and a socket are under way until they end', async () => {
  await sendMessage(gateway, 'hello', { conversation: 'c1' })
  const underWay = 'http_server_active_requests{http_request_method="GET",url_scheme="http"}'
  const events = await openEventStream(gateway, 'c1')
  const { socket } = await openSocket(gateway)
  // The request for the page itself is one.
  await expect.poll(readMetrics).toContain(`${underWay} 3`)
  events.close()
  socket.close()
  await expect.poll(readMetrics).toContain(`${underWay} 1`)
})

test('messages are counted by channel, and those sent again as dropped', async () => {
  for (const key of ['k1', 'k1', 'k2']) await sendMessage(gateway, 'hello', { conversation: 'c1', key })
  expect(await readMetrics()).toEqual(
    expect.arrayContaining([
      'lares_messages_accepted_total{channel="web"} 2',
      'lares_duplicates_total{place="gateway"} 1',
    ]),
  )
})
