import { createHash } from 'node:crypto'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster } from './cluster.ts'
import { PART_OF } from './manifests.ts'

const SECRET = 'lares-environment'

/**
 * Puts what every function's environment has (where the stores are, with passwords, and the master key) into a Secret of
 * the namespace, which pods take it from; faas-cli does not see it. Undefined when there is nothing.
 * Errors: `invalid_config` when a Secret of that name is somebody else's.
 */
export async function keepEnvironment(
  cluster: Cluster,
  environment: Record<string, string>,
): Promise<{ secret: string; digest: string } | undefined> {
  const all = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))
  if (all.length === 0) return undefined
  await refuseOthers(cluster)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET, namespace: cluster.namespace, labels: PART_OF },
    type: 'Opaque',
    data: Object.fromEntries(all.map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  } as never)
  const digest = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16)
  return { secret: SECRET, digest }
}

async function refuseOthers(cluster: Cluster): Promise<void> {
  const there = (await cluster.list('v1', 'Secret')).find(({ metadata }) => metadata.name === SECRET)
  if (!there || Object.entries(PART_OF).every(([key, value]) => there.metadata.labels?.[key] === value))
    return
  throw new LaresError(
    'invalid_config',
    `the Secret "${SECRET}" in ${cluster.namespace} is not one of Lares: remove it, or give it another name`,
  )
}
