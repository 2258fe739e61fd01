import { LaresError } from '../../../shared/base/errors.ts'
import type { Secrets } from '../backend.ts'
import { checkSecretName } from '../deployment.ts'
import type { Cluster } from './cluster.ts'

const LABELS = { 'app.kubernetes.io/part-of': 'lares', 'lares.dev/secret': 'true' }
const SELECTOR = Object.entries(LABELS)
  .map(([key, value]) => `${key}=${value}`)
  .join(',')

/** Secrets of Kubernetes with one key, their own name, as OpenFaaS has them; those of others in the namespace are not touched. */
export function knativeSecrets(cluster: Cluster): Secrets {
  const secret = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: cluster.namespace },
  })
  const list = async () =>
    (await cluster.list('v1', 'Secret', SELECTOR)).map(({ metadata }) => metadata.name).sort()
  const mustBeThere = async (name: string) => {
    if (!(await list()).includes(name))
      throw new LaresError('not_found', `no secret "${name}"; faas-cli secret create makes one`)
  }
  const mustBeFree = async (name: string) => {
    const all = (await cluster.list('v1', 'Secret')).map(({ metadata }) => metadata.name)
    if (all.includes(name) && !(await list()).includes(name))
      throw new LaresError('invalid_request', `the Secret "${name}" is not one of Lares: choose another name`)
  }
  return {
    list,
    async put(name, value, mode) {
      checkSecretName(name)
      if (mode === 'replace') await mustBeThere(name)
      else await mustBeFree(name)
      const whole = secret(name)
      await cluster.apply({
        ...whole,
        metadata: { ...whole.metadata, labels: LABELS },
        type: 'Opaque',
        data: { [name]: value.toString('base64') },
      } as never)
    },
    async remove(name) {
      checkSecretName(name)
      await mustBeThere(name)
      await cluster.remove(secret(name))
    },
  }
}
