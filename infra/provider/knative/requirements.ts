import type { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster, Node, Stored } from './cluster.ts'
import type { KubernetesObject } from './manifests.ts'

/** What of the cluster decides whether a function can be placed; undefined for what may not be read. */
export type Facilities = {
  /** Of Knative's ConfigMap `config-features`. */
  features: Record<string, string> | undefined
  nodes: { labels: Record<string, string>; gpus: number }[] | undefined
}

const GPU = 'nvidia.com/gpu'
/** https://knative.dev/docs/serving/configuration/feature-flags/: all three are off unless somebody turns them on. */
const FLAGS = [
  { field: 'nodeSelector', flag: 'kubernetes.podspec-nodeselector' },
  { field: 'affinity', flag: 'kubernetes.podspec-affinity' },
  { field: 'tolerations', flag: 'kubernetes.podspec-tolerations' },
] as const

type PodSpec = {
  nodeSelector?: Record<string, string>
  containers: { resources: { limits?: Record<string, string> } }[]
} & Partial<Record<(typeof FLAGS)[number]['field'], unknown>>

export async function facilitiesOf(cluster: Cluster): Promise<Facilities> {
  const config = { apiVersion: 'v1', kind: 'ConfigMap' }
  const where = { name: 'config-features', namespace: 'knative-serving' }
  const [features, nodes] = await Promise.all([
    cluster
      .read<Stored & { data?: Record<string, string> }>({ ...config, metadata: where })
      .then(({ data = {} }) => data)
      .catch(error => ((error as LaresError).code === 'not_found' ? {} : undefined)),
    cluster.list<Node>('v1', 'Node').catch(() => undefined),
  ])
  return {
    features,
    nodes: nodes?.map(({ metadata, status }) => ({
      labels: metadata.labels ?? {},
      gpus: Number(status?.allocatable?.[GPU] ?? 0),
    })),
  }
}

/** What the cluster lacks for this Service, each with the remedy: it is told before somebody waits for a pod in vain. */
export function lacking(service: KubernetesObject, { features, nodes }: Facilities): string[] {
  const pod = (service.spec as { template: { spec: PodSpec } }).template.spec
  return [
    ...(features ? FLAGS.filter(({ field, flag }) => pod[field] && !isOn(features[flag])) : []).map(
      ({ field, flag }) =>
        `Knative refuses ${field} here: set ${flag} to "enabled" in the ConfigMap config-features of knative-serving`,
    ),
    ...(nodes ? placesLacking(pod, nodes) : []),
  ]
}

const isOn = (value = 'disabled'): boolean => ['enabled', 'allowed'].includes(value.toLowerCase())

function placesLacking(pod: PodSpec, nodes: NonNullable<Facilities['nodes']>): string[] {
  const wanted = Object.entries(pod.nodeSelector ?? {})
  const labelled = nodes.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value))
  const text = wanted.map(([key, value]) => `${key}=${value}`).join(',')
  if (labelled.length === 0 && wanted.length > 0)
    return [`no node has ${text}: kubectl label node NODE ${text.replaceAll(',', ' ')}`]
  const gpus = Number(pod.containers[0]?.resources.limits?.[GPU] ?? 0)
  if (gpus === 0 || labelled.some(node => node.gpus >= gpus)) return []
  const whose = text === '' ? 'no node' : `no node with ${text}`
  return [`${whose} offers ${gpus} of ${GPU}: install NVIDIA's device plugin there, or ask for fewer`]
}
