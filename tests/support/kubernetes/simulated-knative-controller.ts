import { setTimeout as wait } from 'node:timers/promises'
import type { KubernetesServer } from './kubernetes.ts'

const SERVICES_PATH = '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services'
const REVISIONS_PATH = '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/revisions'
const PODS_PATH = '/api/v1/namespaces/openfaas-fn/pods'
const MERGE_PATCH_TYPE = 'application/merge-patch+json'
const POLL_INTERVAL_MS = 50

type Service = {
  metadata: { name: string; generation: number }
  spec: { template: { metadata: object; spec: { containers: [{ image: string }] } } }
  status?: { observedGeneration?: number; latestReadyRevisionName?: string }
}

/**
 * Simulates the work of Knative's controller on a Service, on a real API server. It observes every generation, creates
 * its revision, sets an address, and reports whether the revision is ready. Images with `broken` in their name do not
 * become ready.
 */
export function startFakeKnativeController(
  kubernetes: KubernetesServer,
  addressOf: (name: string) => string,
) {
  let isClosed = false
  let isPaused = false
  const reconcile = async () => {
    const answer = await kubernetes.api('GET', SERVICES_PATH)
    if (!answer.ok) return
    const { items } = (await answer.json()) as { items: Service[] }
    for (const service of items) {
      const { name, generation } = service.metadata
      if (service.status?.observedGeneration === generation) continue
      const { image } = service.spec.template.spec.containers[0]
      const ready = image.includes('broken')
        ? { status: 'False', reason: 'RevisionMissing', message: `Unable to fetch image "${image}"` }
        : { status: 'True' }
      const { metadata, spec } = service.spec.template
      const revision = `${name}-${String(generation).padStart(5, '0')}`
      await kubernetes.api('POST', REVISIONS_PATH, {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Revision',
        metadata: { ...metadata, name: revision },
        spec,
      })
      const isUp = ready.status === 'True'
      const status = {
        observedGeneration: generation,
        conditions: ['Ready', 'ConfigurationsReady'].map(type => ({ type, ...ready })),
        latestCreatedRevisionName: revision,
        ...(isUp && { latestReadyRevisionName: revision }),
        address: { url: addressOf(name) },
      }
      await kubernetes.api('PATCH', `${SERVICES_PATH}/${name}/status`, { status }, MERGE_PATCH_TYPE)
    }
  }
  const reconcileLoop = (async () => {
    while (!isClosed) {
      if (!isPaused) await reconcile()
      await wait(POLL_INTERVAL_MS)
    }
  })()
  return {
    /** Pauses the controller, so that applied changes have no effect. */
    hold(held: boolean) {
      isPaused = held
    },
    /** Adds a pod of the function as the controllers of Deployments create it, and as a kubelet reports it ready. */
    async addPod(name: string, pod: string) {
      const service = (await (await kubernetes.api('GET', `${SERVICES_PATH}/${name}`)).json()) as Service
      const labels = {
        faas_function: name,
        'serving.knative.dev/service': name,
        'serving.knative.dev/revision': service.status!.latestReadyRevisionName!,
      }
      const spec = { containers: [{ name: 'function', image: 'x' }] }
      await kubernetes.api('POST', PODS_PATH, { metadata: { name: pod, labels }, spec })
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
      await kubernetes.api('PATCH', `${PODS_PATH}/${pod}/status`, { status }, MERGE_PATCH_TYPE)
    },
    async close() {
      isClosed = true
      await reconcileLoop
    },
  }
}
