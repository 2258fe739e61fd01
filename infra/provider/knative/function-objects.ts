import { LaresError } from '../../../shared/base/errors.ts'
import { fetchManifest } from '../reported-manifest.ts'
import type { Cluster, PartialObject, Service, StoredObject } from './cluster.ts'
import type { FunctionServices } from './function-services.ts'
import {
  buildKubernetesObjects,
  type KubernetesObject,
  type ManifestOptions,
  type PinnedDeployment,
} from './manifests.ts'
import {
  deploymentAnnotations,
  isDeployedHere,
  isOwnedByLares,
  readyAnnotations,
} from './service-annotations.ts'
import { originOf } from './status.ts'

/**
 * The provider writes the manifest that a function reports under a second field manager, so that the next apply does
 * not remove it.
 */
const MANIFEST_FIELD_MANAGER = 'lares-manifest'

export type BuiltObjects = { service: KubernetesObject; policies: KubernetesObject[] }

/** The Kubernetes objects of one function: its Service, and the NetworkPolicy of a function that declares its egress. */
export type FunctionObjects = {
  /** Without `minScale` the labels decide. Errors: `invalid_request` for requests that Knative cannot fulfil. */
  build(deployment: PinnedDeployment, minScale?: number): BuiltObjects
  /**
   * The present Service in the cluster; undefined without one. Errors: `invalid_request` when it belongs to another
   * owner.
   */
  readService(name: string): Promise<Service | undefined>
  /**
   * Lets the API server check all objects before the first is applied. Resolves with the Service as it would be stored.
   */
  dryRun(name: string, objects: BuiltObjects): Promise<StoredObject>
  applyService(service: KubernetesObject): Promise<StoredObject>
  /** Without policies it removes the one of an earlier version. */
  applyPolicies(name: string, policies: KubernetesObject[]): Promise<void>
  /** Removes the function's objects, and resolves when the watched cluster no longer shows the Service. */
  remove(name: string): Promise<void>
  /** Records on the Service that this deployment has answered, and the manifest that it reports. */
  saveReady(deployment: PinnedDeployment): Promise<void>
}

export function openFunctionObjects(
  cluster: Cluster,
  services: FunctionServices,
  environment: ManifestOptions['environment'],
): FunctionObjects {
  const { namespace } = cluster
  const serviceReference = (name: string): PartialObject => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace },
  })
  const policyReference = (name: string): PartialObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-egress`, namespace },
  })
  const readPolicy = (name: string) => readOwned(cluster, policyReference(name), isOwnedByLares)
  const removePolicy = async (name: string) => {
    const policy = await readPolicy(name).catch(() => undefined)
    if (policy) await cluster.remove(policyReference(name))
  }
  return {
    build: (deployment, minScale) =>
      buildAnnotatedObjects(deployment, { ...(minScale !== undefined && { minScale }), environment }),
    readService: name => readOwned<Service>(cluster, serviceReference(name), isDeployedHere),
    async dryRun(name, { service, policies }) {
      if (policies.length > 0) await readPolicy(name)
      for (const policy of policies) await cluster.apply(policy, { dryRun: true })
      return await cluster.apply(service, { dryRun: true })
    },
    applyService: service => cluster.apply(service),
    async applyPolicies(name, policies) {
      for (const policy of policies) await cluster.apply(policy)
      if (policies.length === 0) await removePolicy(name)
    },
    async remove(name) {
      await cluster.remove(serviceReference(name))
      await removePolicy(name)
      // The next request must not find the Service among the watched ones.
      while (services.find(name)) await services.changes.nextChange(1_000)
    },
    async saveReady(deployment) {
      const { name } = deployment
      const origin = originOf(services.get(name))
      const manifest = origin === undefined ? undefined : await fetchManifest(origin)
      const annotations = readyAnnotations(deployment, manifest)
      await cluster.apply(
        { ...serviceReference(name), metadata: { name, namespace, annotations } },
        { manager: MANIFEST_FIELD_MANAGER },
      )
    },
  }
}

function buildAnnotatedObjects(deployment: PinnedDeployment, options: ManifestOptions): BuiltObjects {
  const [service, ...policies] = buildKubernetesObjects(deployment, options)
  const { metadata } = service as { metadata: { annotations: Record<string, string> } }
  const annotations = { ...metadata.annotations, ...deploymentAnnotations(deployment) }
  return { service: { ...service!, metadata: { ...metadata, annotations } }, policies }
}

async function readOwned<T extends StoredObject>(
  cluster: Cluster,
  object: PartialObject,
  isOwned: (stored: StoredObject) => boolean,
): Promise<T | undefined> {
  const stored = await cluster.read<T>(object).catch(error => {
    if ((error as LaresError).code !== 'not_found') throw error
  })
  if (!stored || isOwned(stored)) return stored ?? undefined
  throw new LaresError(
    'invalid_request',
    `Lares did not deploy the ${object.kind} ${stored.metadata.name}: remove it, or choose another name`,
  )
}
