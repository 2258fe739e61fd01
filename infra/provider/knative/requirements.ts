import type { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster, Node, StoredObject } from './cluster.ts'
import type { KubernetesObject } from './manifests.ts'

/**
 * The facts that decide whether the cluster can place a function; undefined for those that the provider may not read.
 */
export type ClusterFeatures = {
  /** The entries of Knative's ConfigMap `config-features`. */
  featureFlags: Record<string, string> | undefined
  nodes: { labels: Record<string, string>; gpus: number }[] | undefined
}

const GPU_RESOURCE = 'nvidia.com/gpu'
/** https://knative.dev/docs/serving/configuration/feature-flags/: all three are off by default. */
const FEATURE_FLAGS = [
  { field: 'nodeSelector', flag: 'kubernetes.podspec-nodeselector' },
  { field: 'affinity', flag: 'kubernetes.podspec-affinity' },
  { field: 'tolerations', flag: 'kubernetes.podspec-tolerations' },
] as const

type PodSpec = {
  nodeSelector?: Record<string, string>
  containers: { resources: { limits?: Record<string, string> } }[]
} & Partial<Record<(typeof FEATURE_FLAGS)[number]['field'], unknown>>

async function readClusterFeatures(cluster: Cluster): Promise<ClusterFeatures> {
  const config = { apiVersion: 'v1', kind: 'ConfigMap' }
  const metadata = { name: 'config-features', namespace: 'knative-serving' }
  const [featureFlags, nodes] = await Promise.all([
    cluster
      .read<StoredObject & { data?: Record<string, string> }>({ ...config, metadata })
      .then(({ data = {} }) => data)
      .catch(error => ((error as LaresError).code === 'not_found' ? {} : undefined)),
    cluster.list<Node>('v1', 'Node').catch(() => undefined),
  ])
  return {
    featureFlags,
    nodes: nodes?.map(({ metadata, status }) => ({
      labels: metadata.labels ?? {},
      gpus: Number(status?.allocatable?.[GPU_RESOURCE] ?? 0),
    })),
  }
}

export type Requirements = {
  /** The requirements of this Service that the cluster does not meet, each with the remedy. */
  unmet(service: KubernetesObject): string[]
  /** Reads the cluster again. Errors: `unavailable`. */
  refresh(): Promise<void>
}

/** Compares functions with the cluster as it was at the last refresh. */
export async function openRequirements(cluster: Cluster): Promise<Requirements> {
  let features = await readClusterFeatures(cluster)
  return {
    unmet: service => unmetRequirements(service, features),
    async refresh() {
      features = await readClusterFeatures(cluster)
    },
  }
}

/**
 * The requirements of this Service that the cluster does not meet, each with the remedy. With them nobody waits in vain
 * for a pod.
 */
export function unmetRequirements(
  service: KubernetesObject,
  { featureFlags, nodes }: ClusterFeatures,
): string[] {
  const pod = (service.spec as { template: { spec: PodSpec } }).template.spec
  return [
    ...(featureFlags
      ? FEATURE_FLAGS.filter(({ field, flag }) => pod[field] && !isEnabled(featureFlags[flag]))
      : []
    ).map(
      ({ field, flag }) =>
        `Knative refuses ${field} here: set ${flag} to "enabled" in the ConfigMap config-features of knative-serving`,
    ),
    ...(nodes ? unmetNodeRequirements(pod, nodes) : []),
  ]
}

const isEnabled = (value = 'disabled'): boolean => ['enabled', 'allowed'].includes(value.toLowerCase())

function unmetNodeRequirements(pod: PodSpec, nodes: NonNullable<ClusterFeatures['nodes']>): string[] {
  const requiredLabels = Object.entries(pod.nodeSelector ?? {})
  const matchingNodes = nodes.filter(({ labels }) =>
    requiredLabels.every(([key, value]) => labels[key] === value),
  )
  const selector = requiredLabels.map(([key, value]) => `${key}=${value}`).join(',')
  if (matchingNodes.length === 0 && requiredLabels.length > 0)
    return [`no node has ${selector}: kubectl label node NODE ${selector.replaceAll(',', ' ')}`]
  const gpus = Number(pod.containers[0]?.resources.limits?.[GPU_RESOURCE] ?? 0)
  if (gpus === 0 || matchingNodes.some(node => node.gpus >= gpus)) return []
  const subject = selector === '' ? 'no node' : `no node with ${selector}`
  return [
    `${subject} offers ${gpus} of ${GPU_RESOURCE}: install NVIDIA's device plugin there, or ask for fewer`,
  ]
}
