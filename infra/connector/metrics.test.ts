import { afterEach, beforeEach, expect, test } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { type Metrics, openMetrics } from '../../shared/observability/metrics.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import { openStatus } from '../../shared/operations/status.ts'
import {
  type ConnectorTestBed,
  messageEvent,
  openConnectorTestBed,
  openGate,
  resultDraft,
  testFunction,
  waitUntil,
} from './connector.fixture.ts'
import type { Connector } from './connector.ts'
import { connectorMetrics, registerStatusMetrics } from './metrics.ts'

let testBed: ConnectorTestBed
let metrics: Metrics

beforeEach(async () => {
  testBed = await openConnectorTestBed()
  metrics = openMetrics()
})
afterEach(() => testBed.close())

async function startWithMetrics(): Promise<Connector> {
  const connector = await testBed.start({ metrics: connectorMetrics(metrics, 'sqlite') })
  const deadLetters = openDeadLetters({ ...testBed, records: testBed.conversations.records })
  const source = async () => [{ name: 'stage', topics: ['lares.message', 'lares.timer'] }]
  const status = openStatus({
    bus: testBed.bus,
    source,
    deadLetters,
    probe: async () => undefined,
    connector: { status: async () => ({}) },
  })
  registerStatusMetrics(metrics, { status, loads: connector.loads, log: silentLogger })
  return connector
}

const metricLines = async () => (await metrics.page()).split('\n')

test('tries, retries and dead letters are counted by function, with the reason', async () => {
  let tries = 0
  testBed.deploy(
    testFunction(event => {
      if (event.id === 'bad') throw new LaresError('rejected', 'no good')
      if (++tries < 3) throw new LaresError('failed', 'not yet')
      return resultDraft('there')
    }),
  )
  await startWithMetrics()
  await testBed.events.publish([messageEvent('m1', 'a'), messageEvent('bad', 'b')])
  await waitUntil(async () => expect(await testBed.lag()).toBe(0))
  const labels =
    'messaging_system="sqlite",messaging_destination_name="lares.message",messaging_consumer_group_name="lares.stage"'
  expect(await metricLines()).toEqual(
    expect.arrayContaining([
      `messaging_client_consumed_messages_total{${labels},messaging_operation_name="receive"} 2`,
      `messaging_process_duration_seconds_count{${labels},messaging_operation_name="process",error_type=""} 1`,
      `messaging_process_duration_seconds_count{${labels},messaging_operation_name="process",error_type="failed"} 2`,
      `messaging_process_duration_seconds_count{${labels},messaging_operation_name="process",error_type="rejected"} 1`,
      'lares_retries_total{function="stage",error_type="failed"} 2',
      'lares_dead_letters_total{function="stage"} 1',
      'lares_dead_letters 1',
      'lares_duplicates_total{place="connector"} 0',
    ]),
  )
})

test('what waits, how long, and what runs is read when the page is asked for', async () => {
  const { passed, open } = openGate()
  testBed.deploy(testFunction(() => passed))
  await startWithMetrics()
  await testBed.events.publish([messageEvent('m1', 'a'), messageEvent('m2', 'a'), messageEvent('m3', 'b')])
  await waitUntil(async () =>
    expect(await metricLines()).toEqual(
      expect.arrayContaining([
        'lares_function_lag{function="stage"} 3',
        'lares_connector_in_flight{function="stage"} 2',
        'lares_connector_held{function="stage"} 3',
        expect.stringMatching(/^lares_function_oldest_seconds\{function="stage"\} 0?\.?\d*[1-9]/),
      ]),
    ),
  )
  open()
  await waitUntil(async () => expect(await metricLines()).toContain('lares_function_lag{function="stage"} 0'))
  expect(await metricLines()).toEqual(
    expect.arrayContaining([
      'lares_connector_held{function="stage"} 0',
      'lares_function_oldest_seconds{function="stage"} 0',
    ]),
  )
})

test('what cannot be read is left out, and the rest of the page is there', async () => {
  registerStatusMetrics(metrics, {
    status: () => Promise.reject(new LaresError('unavailable', 'the bus is away')),
    loads: () => [{ function: 'stage', running: 1, held: 2 }],
    log: silentLogger,
  })
  const page = await metrics.page()
  expect(page).toContain('lares_connector_held{function="stage"} 2')
  expect(page).not.toMatch(/^lares_(function_lag|dead_letters)[ {]/m)
})
