import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Backend, DeployedFunction } from '../backend.ts'
import { readDeployment } from '../deployment.ts'
import { startAutoscaler } from './autoscaler.ts'

const MINUTE_MS = 60_000
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of cleanups.splice(0)) await close()
})

/**
 * An autoscaler with a fake backend and a fake clock; tests/contract/provider/provider.test.ts covers the real
 * backends.
 */
function startAutoscalerOnFakeClock({
  labels = {},
  annotations = {},
}: {
  labels?: object
  annotations?: object
}) {
  let now = Date.UTC(2026, 0, 1)
  const changes: { at: number; to: number }[] = []
  const one: DeployedFunction = {
    deployment: readDeployment({ service: 'intent', image: 'lares/intent', labels, annotations }),
    createdAt: now,
    manifest: undefined,
    replicas: 1,
    availableReplicas: 1,
    activity: { inFlight: 0, completed: 0, waiting: 0, lastUsedAt: now },
    notices: [],
  }
  const backend = {
    list: () => [one],
    usage: async () => undefined,
    async scale(_: string, replicas: number) {
      one.replicas = one.availableReplicas = replicas
      changes.push({ at: now, to: replicas })
    },
  } as unknown as Backend
  const scaler = startAutoscaler({ backend, log: silentLogger, now: () => now, intervalMs: 1e9 })
  cleanups.push(scaler.close)
  return {
    one,
    changes,
    async pass(ms: number, stepMs: number, each?: (now: number) => void) {
      for (const end = now + ms; now < end; ) {
        now += stepMs
        each?.(now)
        await scaler.look()
      }
    },
  }
}

test.each(['Europe/Berlin', 'America/New_York', 'Asia/Shanghai'])(
  'over a year in %s a function is started on each working day at seven by the clock, and sleeps after ten',
  async zone => {
    const year = startAutoscalerOnFakeClock({
      labels: { 'com.openfaas.scale.zero-duration': '5m' },
      annotations: { 'com.lares.active-hours': `Mon-Fri 07:00-22:00 ${zone}` },
    })
    await year.pass(365 * 24 * 60 * MINUTE_MS, 15 * MINUTE_MS)
    const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
    const starts = year.changes.filter(({ to }) => to === 1).map(({ at }) => clock.format(at))
    const days = starts.map(start => start.slice(0, 10))
    expect(starts.filter(start => !start.endsWith(' 07:00'))).toEqual([])
    expect(new Set(days).size).toBe(days.length)
    expect(days.every(day => new Date(day).getUTCDay() % 6 !== 0)).toBe(true)
    // 261 working days. The zone's offset may cut the first and the last.
    expect(days.length).toBeGreaterThanOrEqual(260)
    const ends = year.changes.filter(({ to }) => to === 0).map(({ at }) => clock.format(at))
    expect(ends.filter(end => !end.endsWith(' 22:00')).length).toBeLessThanOrEqual(1)
    expect(ends.length).toBeGreaterThanOrEqual(260)
  },
)

test('outside its active hours what was woken by an event sleeps again after its duration', async () => {
  const night = startAutoscalerOnFakeClock({
    labels: { 'com.openfaas.scale.zero-duration': '5m' },
    annotations: { 'com.lares.active-hours': 'daily 07:00-22:00 UTC' },
  })
  await night.pass(10 * MINUTE_MS, MINUTE_MS)
  expect(night.one.replicas).toBe(0)
  // The fleet does this for a request to a function with zero replicas.
  night.one.replicas = night.one.availableReplicas = 1
  night.one.activity.lastUsedAt = Date.UTC(2026, 0, 1, 0, 10)
  await night.pass(4 * MINUTE_MS, MINUTE_MS)
  expect(night.one.replicas).toBe(1)
  await night.pass(2 * MINUTE_MS, MINUTE_MS)
  expect(night.one.replicas).toBe(0)
})

test('more replicas come at once with the load, and go when it has been calm for half a minute', async () => {
  const busy = startAutoscalerOnFakeClock({
    labels: { 'com.openfaas.scale.target': '10', 'com.openfaas.scale.max': '4' },
  })
  await busy.pass(5_000, 1_000, () => (busy.one.activity.completed += 20))
  expect(busy.one.replicas).toBe(3)
  await busy.pass(30_000, 1_000)
  expect(busy.one.replicas).toBe(3)
  await busy.pass(20_000, 1_000)
  expect(busy.one.replicas).toBe(1)
})
