import { expect, test } from 'vitest'
import { desiredReplicas, type Load, parseDurationMs, parseScalingLabels } from './scaling.ts'

const scaling = (labels: Record<string, string> = {}) =>
  parseScalingLabels(
    Object.fromEntries(Object.entries(labels).map(([key, value]) => [`com.openfaas.scale.${key}`, value])),
  )

const idleLoad: Load = {
  ready: 1,
  inFlight: 0,
  requestsPerSecond: 0,
  millicores: 0,
  lag: 0,
  idleMs: 0,
  active: undefined,
}

test('labels have the defaults that OpenFaaS documents', () => {
  expect(scaling()).toEqual({
    min: 1,
    max: 20,
    type: 'rps',
    target: 50,
    proportion: 0.9,
    zero: false,
    zeroAfterMs: 15 * 60_000,
  })
})

test.each([
  ['a maximum of nothing', { max: '0' }, 'scale.max is "0"'],
  ['a minimum of nothing, which zero is for', { min: '0' }, 'set com.openfaas.scale.zero'],
  ['a type that is none', { type: 'vibes' }, 'it takes rps, capacity, cpu, queue'],
  ['a duration without a unit', { 'zero-duration': '15' }, 'as in 15m'],
  ['a zero that is neither', { zero: 'yes' }, 'true or false'],
  ['a negative target', { target: '-1' }, 'a number above 0'],
])('%s is refused', (_, labels, reason) => {
  expect(() => scaling(labels as Record<string, string>)).toThrow(reason)
})

test('durations are read as Go reads them', () => {
  expect(parseDurationMs('1h30m')).toBe(90 * 60_000)
  expect(parseDurationMs('1.5s')).toBe(1_500)
  expect(parseDurationMs('250ms')).toBe(250)
  expect(parseDurationMs('soon')).toBeUndefined()
})

test.each([
  ['rps', { requestsPerSecond: 100 }],
  ['capacity', { inFlight: 100 }],
  ['cpu', { millicores: 100 }],
  ['queue', { lag: 100 }],
])('a load of 100 with a target of 10 by %s is 12 replicas, each full at nine tenths', (type, load) => {
  expect(desiredReplicas(scaling({ type, target: '10' }), { ...idleLoad, ...load })).toBe(12)
  expect(desiredReplicas(scaling({ type, target: '10', max: '4' }), { ...idleLoad, ...load })).toBe(4)
})

test('without the label for zero a function stays at its minimum however long nothing happens', () => {
  expect(desiredReplicas(scaling({ min: '2' }), { ...idleLoad, idleMs: 1e9 })).toBe(2)
})

test('with it, a function sleeps after its duration, unless something waits or runs', () => {
  const sleeping = scaling({ zero: 'true', 'zero-duration': '1m' })
  expect(desiredReplicas(sleeping, { ...idleLoad, idleMs: 59_999 })).toBe(1)
  expect(desiredReplicas(sleeping, { ...idleLoad, idleMs: 60_000 })).toBe(0)
  expect(desiredReplicas(sleeping, { ...idleLoad, idleMs: 60_000, inFlight: 1 })).toBe(1)
  expect(desiredReplicas(sleeping, { ...idleLoad, idleMs: 60_000, lag: 1 })).toBe(1)
  expect(desiredReplicas(sleeping, { ...idleLoad, idleMs: 60_000, lag: undefined })).toBe(0)
})

test('what sleeps goes on sleeping, and wakes for events that wait on the bus', () => {
  const sleeping = scaling({ zero: 'true' })
  expect(desiredReplicas(sleeping, { ...idleLoad, ready: 0 })).toBe(0)
  expect(desiredReplicas(sleeping, { ...idleLoad, ready: 0, lag: 3 })).toBe(1)
})

test('inside its active hours a function is kept warm, outside it sleeps after its duration, with or without the label for zero', () => {
  for (const zero of ['false', 'true']) {
    const policy = scaling({ zero, 'zero-duration': '5m' })
    expect(desiredReplicas(policy, { ...idleLoad, ready: 0, active: true })).toBe(1)
    expect(desiredReplicas(policy, { ...idleLoad, idleMs: 1e9, active: true })).toBe(1)
    expect(desiredReplicas(policy, { ...idleLoad, idleMs: 300_000, active: false })).toBe(0)
    expect(desiredReplicas(policy, { ...idleLoad, idleMs: 299_999, active: false })).toBe(1)
    expect(desiredReplicas(policy, { ...idleLoad, ready: 0, lag: 1, active: false })).toBe(1)
  }
})
