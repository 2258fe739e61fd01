import { setTimeout as wait } from 'node:timers/promises'
import type { KubernetesServer } from './kubernetes.ts'

const SERVICES = '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services'
const PODS = '/api/v1/namespaces/openfaas-fn/pods'
const MERGE = 'application/merge-patch+json'
const LOOK_EVERY_MS = 50

type Service = {
  metadata: { name: string; generation: number }
  spec: { template: { spec: { containers: [{ image: string }] } } }
  status?: { observedGeneration?: number }
}

/**
 * Plays what Knative's controller does to a Service, on a real API server: it observes every generation, gives an address,
 * and says whether the revision became ready. Images with `broken` in their name do not.
 */
export function playKnative(kubernetes: KubernetesServer, addressOf: (name: string) => string) {
  let isOver = false
  const act = async () => {
    const answer = await kubernetes.api('GET', SERVICES)
    if (!answer.ok) return
    const { items } = (await answer.json()) as { items: Service[] }
    for (const service of items) {
      const { name, generation } = service.metadata
      if (service.status?.observedGeneration === generation) continue
      const { image } = service.spec.template.spec.containers[0]
      const ready = image.includes('broken')
        ? { status: 'False', reason: 'RevisionMissing', message: `Unable to fetch image "${image}"` }
        : { status: 'True' }
      const status = {
        observedGeneration: generation,
        conditions: [{ type: 'Ready', ...ready }],
        address: { url: addressOf(name) },
      }
      await kubernetes.api('PATCH', `${SERVICES}/${name}/status`, { status }, MERGE)
    }
  }
  const acting = (async () => {
    while (!isOver) {
      await act()
      await wait(LOOK_EVERY_MS)
    }
  })()
  return {
    /** A pod of the function, as the controllers of Deployments make it, that a kubelet says is ready. */
    async addPod(name: string, pod: string) {
      const labels = { faas_function: name, 'serving.knative.dev/service': name }
      const spec = { containers: [{ name: 'function', image: 'x' }] }
      await kubernetes.api('POST', PODS, { metadata: { name: pod, labels }, spec })
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
      await kubernetes.api('PATCH', `${PODS}/${pod}/status`, { status }, MERGE)
    },
    async close() {
      isOver = true
      await acting
    },
  }
}
