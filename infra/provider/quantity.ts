import { LaresError } from '../../shared/base/errors.ts'

/** Suffixes of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const SUFFIX_FACTORS: Record<string, number> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/**
 * Reads a Kubernetes quantity, as in 256Mi, 500m, 0.5 or 1e3; bytes for memory, cores for CPU. The error names `field`.
 * Errors: `invalid_request`.
 */
export function parseQuantity(text: string, field: string): number {
  const [, number, suffix] = /^(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(text.trim()) ?? []
  const factor = suffix === undefined ? undefined : SUFFIX_FACTORS[suffix]
  const value = factor === undefined ? Number.NaN : Number(number) * factor
  if (Number.isFinite(value) && value > 0) return value
  throw new LaresError(
    'invalid_request',
    `${field}: "${text}" cannot be read; write it as in 256Mi or 1Gi for memory, 500m or 2 for CPU`,
  )
}
