import { LaresError } from '../../../shared/base/errors.ts'

/**
 * The scaling of a function, from OpenFaaS's own labels (https://docs.openfaas.com/architecture/autoscaling/, with its
 * defaults).
 */
export type ScalingPolicy = {
  min: number
  max: number
  /**
   * The unit of the target, for one replica: requests a second, requests in flight, thousandths of a core, or events
   * that wait on the bus.
   */
  type: 'rps' | 'capacity' | 'cpu' | 'queue'
  target: number
  /** The share of the target at which a replica counts as full. */
  proportion: number
  /** Whether the function scales to zero after `zeroAfterMs` without activity. */
  zero: boolean
  zeroAfterMs: number
}

const LABEL_PREFIX = 'com.openfaas.scale.'
const KNOWN_LABELS = ['min', 'max', 'type', 'target', 'target-proportion', 'zero', 'zero-duration', 'factor']
const SCALING_TYPES = ['rps', 'capacity', 'cpu', 'queue'] as const
const MAX_REPLICAS = 100

/** Errors: `invalid_request`, naming the label. */
export function parseScalingLabels(labels: Record<string, string>): ScalingPolicy {
  const unknown = Object.keys(labels).find(
    label => label.startsWith(LABEL_PREFIX) && !KNOWN_LABELS.includes(label.slice(LABEL_PREFIX.length)),
  )
  if (unknown !== undefined)
    throw new LaresError(
      'invalid_request',
      `the label ${unknown} is not known; there are ${KNOWN_LABELS.map(label => LABEL_PREFIX + label).join(', ')}`,
    )
  const read = <T>(
    label: string,
    fallback: T,
    parse: (text: string) => T | undefined,
    expected: string,
  ): T => {
    const text = labels[LABEL_PREFIX + label]
    if (text === undefined) return fallback
    const value = parse(text)
    if (value !== undefined) return value
    throw new LaresError(
      'invalid_request',
      `the label ${LABEL_PREFIX}${label} is "${text}"; it takes ${expected}`,
    )
  }
  const expectedCount = `a whole number from 1 to ${MAX_REPLICAS} (to let it sleep, set ${LABEL_PREFIX}zero)`
  const min = read('min', 1, parseReplicaCount, expectedCount)
  const max = read('max', Math.max(min, 20), parseReplicaCount, expectedCount)
  if (min > max)
    throw new LaresError(
      'invalid_request',
      `the labels ask for ${min} to ${max} replicas; min is at most max`,
    )
  return {
    min,
    max,
    type: read('type', 'rps', text => SCALING_TYPES.find(type => type === text), SCALING_TYPES.join(', ')),
    target: read('target', 50, parsePositive, 'a number above 0'),
    proportion: read('target-proportion', 0.9, parsePositive, 'a number above 0'),
    zero: read('zero', false, text => ({ true: true, false: false })[text], 'true or false'),
    zeroAfterMs: read('zero-duration', 15 * 60_000, parseDurationMs, 'a duration, as in 15m or 1h30m'),
  }
}

function parseReplicaCount(text: string): number | undefined {
  return /^[1-9]\d{0,2}$/.test(text) && Number(text) <= MAX_REPLICAS ? Number(text) : undefined
}

function parsePositive(text: string): number | undefined {
  const value = Number(text)
  return Number.isFinite(value) && value > 0 ? value : undefined
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Parses Go's notation (https://pkg.go.dev/time#ParseDuration), as in 1h30m, into milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * UNITS_MS[unit!]!,
    0,
  )
}

/** The state of a function at the moment of a decision. */
export type Load = {
  /** Replicas that take requests. */
  ready: number
  inFlight: number
  requestsPerSecond: number
  /** Thousandths of a core, of all replicas. */
  millicores: number
  /** Events of its topics that it has not finished; undefined when the lag is not known. */
  lag: number | undefined
  /** The time since its last request began or ended. */
  idleMs: number
  /** Whether the function is within its active hours; undefined when it has none. */
  active: boolean | undefined
}

/**
 * The desired number of replicas, by OpenFaaS's formula: desired = ready × (mean load / (target × proportion)). Without
 * active hours a function sleeps after its zero-duration. With them it never sleeps inside, and outside after its
 * zero-duration. A request or a waiting event wakes a sleeping function; this formula does not.
 */
export function desiredReplicas(scaling: ScalingPolicy, load: Load): number {
  const { min, max, zero, zeroAfterMs } = scaling
  const isBusy = load.inFlight > 0 || (load.lag ?? 0) > 0
  const mayScaleToZero = load.active === undefined ? zero : !load.active
  if (mayScaleToZero && !isBusy && (load.ready === 0 || load.idleMs >= zeroAfterMs)) return 0
  const needed = Math.ceil(measuredLoad(scaling, load) / (scaling.target * scaling.proportion))
  return Math.min(max, Math.max(min, needed))
}

function measuredLoad({ type }: ScalingPolicy, load: Load): number {
  if (type === 'capacity') return load.inFlight
  if (type === 'cpu') return load.millicores
  return type === 'queue' ? (load.lag ?? 0) : load.requestsPerSecond
}
