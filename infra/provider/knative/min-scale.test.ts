import { expect, test } from 'vitest'
import { readDeployment } from '../deployment.ts'
import { minScaleAt } from './min-scale.ts'

const deploymentWith = (labels: Record<string, string>, activeHours?: string) =>
  readDeployment({
    service: 'time',
    image: 'lares/time:latest',
    labels,
    annotations: activeHours === undefined ? {} : { 'com.lares.active-hours': activeHours },
  })

const MONDAY_NOON = Date.parse('2026-03-02T12:00:00Z')
const MONDAY_NIGHT = Date.parse('2026-03-02T23:00:00Z')
const ZERO = { 'com.openfaas.scale.zero': 'true' }

test('without active hours the labels decide, at any time', () => {
  expect(minScaleAt(deploymentWith({}), MONDAY_NOON)).toBe(1)
  expect(minScaleAt(deploymentWith({ 'com.openfaas.scale.min': '3' }), MONDAY_NIGHT)).toBe(3)
  expect(minScaleAt(deploymentWith(ZERO), MONDAY_NOON)).toBe(0)
})

test('inside its active hours a function keeps a replica even when it may scale to zero', () => {
  const deployment = deploymentWith(ZERO, 'daily 08:00-20:00 UTC')
  expect(minScaleAt(deployment, MONDAY_NOON)).toBe(1)
  expect(minScaleAt(deployment, MONDAY_NIGHT)).toBe(0)
})

test('outside its active hours a function keeps no replica, whatever its minimum is', () => {
  const deployment = deploymentWith({ 'com.openfaas.scale.min': '2' }, 'daily 08:00-20:00 UTC')
  expect(minScaleAt(deployment, MONDAY_NOON)).toBe(2)
  expect(minScaleAt(deployment, MONDAY_NIGHT)).toBe(0)
})
