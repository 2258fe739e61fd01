import { LaresError } from '../../../shared/base/errors.ts'
import type { Secrets } from '../backend.ts'
import { checkSecretName } from '../deployment.ts'
import { existingSecretError, missingSecretError } from '../secret-errors.ts'
import type { Cluster } from './cluster.ts'

const LABELS = { 'app.kubernetes.io/part-of': 'lares', 'lares.dev/secret': 'true' }
const LABEL_SELECTOR = Object.entries(LABELS)
  .map(([key, value]) => `${key}=${value}`)
  .join(',')

/**
 * Kubernetes Secrets with one key, their own name, as OpenFaaS stores them. Other Secrets of the namespace stay
 * unchanged.
 */
export function openKnativeSecrets(cluster: Cluster): Secrets {
  const secretReference = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: cluster.namespace },
  })
  const list = async () =>
    (await cluster.list('v1', 'Secret', LABEL_SELECTOR)).map(({ metadata }) => metadata.name).sort()
  const requireExisting = async (name: string) => {
    if (!(await list()).includes(name)) throw missingSecretError(name)
  }
  const requireNew = async (name: string) => {
    if ((await list()).includes(name)) throw existingSecretError(name)
    const all = (await cluster.list('v1', 'Secret')).map(({ metadata }) => metadata.name)
    if (all.includes(name))
      throw new LaresError('invalid_request', `the Secret "${name}" is not one of Lares: choose another name`)
  }
  return {
    list,
    async put(name, value, mode) {
      checkSecretName(name)
      if (mode === 'replace') await requireExisting(name)
      else await requireNew(name)
      const reference = secretReference(name)
      await cluster.apply({
        ...reference,
        metadata: { ...reference.metadata, labels: LABELS },
        type: 'Opaque',
        data: { [name]: value.toString('base64') },
      } as never)
    },
    async remove(name) {
      checkSecretName(name)
      await requireExisting(name)
      await cluster.remove(secretReference(name))
    },
  }
}
