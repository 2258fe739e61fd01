import { createHash } from 'node:crypto'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster } from './cluster.ts'
import { PART_OF_LABELS } from './manifests.ts'

const SECRET_NAME = 'lares-environment'

/**
 * Stores the environment of all functions (the addresses of the stores, with passwords, and the master key) in a Secret
 * of the namespace. Pods read it from there; faas-cli does not see it. Returns undefined without variables. Errors:
 * `invalid_config` when another owner has a Secret of that name.
 */
export async function applyEnvironmentSecret(
  cluster: Cluster,
  environment: Record<string, string>,
): Promise<{ secret: string; digest: string } | undefined> {
  const variables = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))
  if (variables.length === 0) return undefined
  await checkSecretOwnership(cluster)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET_NAME, namespace: cluster.namespace, labels: PART_OF_LABELS },
    type: 'Opaque',
    data: Object.fromEntries(variables.map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  } as never)
  const digest = createHash('sha256').update(JSON.stringify(variables)).digest('hex').slice(0, 16)
  return { secret: SECRET_NAME, digest }
}

async function checkSecretOwnership(cluster: Cluster): Promise<void> {
  const existing = (await cluster.list('v1', 'Secret')).find(({ metadata }) => metadata.name === SECRET_NAME)
  if (
    !existing ||
    Object.entries(PART_OF_LABELS).every(([key, value]) => existing.metadata.labels?.[key] === value)
  )
    return
  throw new LaresError(
    'invalid_config',
    `the Secret "${SECRET_NAME}" in ${cluster.namespace} is not one of Lares: remove it, or give it another name`,
  )
}
