import { hostname } from 'node:os'
import { LaresError } from '../../shared/base/errors.ts'
import { type Deployment, parseConstraint } from './deployment.ts'

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

/** The labels of this machine: those that Kubernetes gives to every node, and those in PROVIDER_NODE_LABELS. */
export const nodeLabels = (configured: Map<string, string>): Map<string, string> =>
  new Map([
    ['kubernetes.io/hostname', hostname()],
    ['kubernetes.io/os', process.platform],
    ['kubernetes.io/arch', ARCHITECTURES[process.arch] ?? process.arch],
    ...configured,
  ])

/** Errors: `invalid_request` for a constraint that this machine, the only one, does not meet. */
export function checkConstraints({ name, constraints }: Deployment, labels: Map<string, string>): void {
  for (const text of constraints) {
    const { key, value, equal } = parseConstraint(text)
    const found = labels.get(key)
    if ((found === value) === equal) continue
    const actual = found === undefined ? 'has no such label' : `has ${key}=${found}`
    throw new LaresError(
      'invalid_request',
      `${name}: no machine meets the constraint "${text}": this one ${actual}; give it one in PROVIDER_NODE_LABELS, or drop the constraint`,
    )
  }
}

/** Errors: `invalid_request`. */
export function checkSecrets({ name, secrets }: Deployment, existing: string[]): void {
  const missing = secrets.filter(secret => !existing.includes(secret))
  if (missing.length > 0)
    throw new LaresError(
      'invalid_request',
      `${name}: there is no secret "${missing.join('", "')}"; create it with faas-cli secret create`,
    )
}
