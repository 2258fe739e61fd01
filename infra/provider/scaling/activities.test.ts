import { expect, test } from 'vitest'
import { openActivities } from './activities.ts'

test('a request counts as in flight until its lease is released, and releasing twice counts once', () => {
  let nowMs = 1_000
  const activities = openActivities(() => nowMs)
  const first = activities.lease('time', 'http://time')
  activities.lease('time', 'http://time')
  expect(activities.activityOf('time')).toEqual({
    inFlight: 2,
    completed: 0,
    waiting: 0,
    lastUsedAt: 1_000,
  })
  nowMs = 2_000
  first.release('answered')
  first.release('answered')
  expect(activities.activityOf('time')).toMatchObject({ inFlight: 1, completed: 1, lastUsedAt: 2_000 })
})

test('the requests of a removed function do not count for its next deployment', () => {
  const activities = openActivities(() => 0)
  const lease = activities.lease('time', 'http://time')
  activities.remove('time')
  lease.release('answered')
  expect(activities.activityOf('time')).toMatchObject({ inFlight: 0, completed: 0 })
})
