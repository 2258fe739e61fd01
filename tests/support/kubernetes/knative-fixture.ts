import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { V1Pod } from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { type DockerMachine, ROOT, startDocker } from '../docker/docker.ts'
import { openClusterNetwork } from './cluster-network.ts'
import { startClusterProvider } from './cluster-provider.ts'
import { NODE_NAME, startKnative } from './knative.ts'
import { buildDataPlaneImage } from './knative-data-plane.ts'
import { startKubeRouter } from './kube-router.ts'
import { type KubernetesServer, startKubernetes } from './kubernetes.ts'
import { killContainer } from './pod-container.ts'

export type KnativeTestCluster = {
  machine: DockerMachine
  kubernetes: KubernetesServer
  /** Starts the provider of the cluster; `environment` has the addresses of services for it. */
  startProvider(port: number, environment?: Record<string, string>): ReturnType<typeof startClusterProvider>
  /** Pods of a function, except terminating ones, which continue to answer their requests for half a minute. */
  podsOf(name: string): Promise<V1Pod[]>
  /** kill -9 of the function's containers. */
  kill(name: string): Promise<void>
  close(): Promise<void>
}

/**
 * Starts Knative with everything that requests pass through (Kourier, Envoy, activator, queue-proxy), and with
 * containers as pods. With `policies` it enforces the network policies of infra/knative and of functions.
 */
export async function startKnativeTestCluster({ policies = false } = {}): Promise<KnativeTestCluster> {
  const cleanups: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const one of cleanups.toReversed()) await one()
  }
  try {
    const machine = await startDocker()
    cleanups.push(machine.close)
    const image = await buildDataPlaneImage(machine)
    const kubernetes = await startKubernetes(machine.host)
    cleanups.push(kubernetes.close)
    const network = await openClusterNetwork(kubernetes.api)
    cleanups.push(network.close)
    const knative = await startKnative(kubernetes, { network, image })
    cleanups.push(knative.close)
    if (policies) cleanups.push(await enforcePolicies(kubernetes))
    const podsOf = async (name: string) => {
      const answer = await kubernetes.api(
        'GET',
        `/api/v1/namespaces/openfaas-fn/pods?labelSelector=faas_function%3D${name}`,
      )
      const { items } = (await answer.json()) as { items: V1Pod[] }
      return items.filter(({ metadata }) => !metadata!.deletionTimestamp)
    }
    return {
      machine,
      kubernetes,
      startProvider: (port, environment = {}) =>
        startClusterProvider(network, {
          kubeconfig: kubernetes.kubeconfig,
          image: machine.baseImages.base,
          environment,
          port,
        }),
      podsOf,
      kill: async name => {
        for (const pod of await podsOf(name)) await killContainer(pod, 'function')
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Enforces network policies. Returns a function that ends the enforcement. */
async function enforcePolicies(kubernetes: KubernetesServer): Promise<() => Promise<void>> {
  const create = async (path: string, object: object) => {
    const answer = await kubernetes.api('POST', path, object)
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    await answer.body?.cancel()
  }
  await create('/api/v1/namespaces', { metadata: { name: 'lares' } })
  const folder = join(ROOT, 'infra', 'knative', 'base')
  for (const file of (await readdir(folder)).filter(name => name.endsWith('.yaml')))
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const { kind, metadata } = document.toJS()
      const path = `/apis/networking.k8s.io/v1/namespaces/${metadata?.namespace}/networkpolicies`
      if (kind === 'NetworkPolicy') await create(path, document.toJS())
    }
  return (await startKubeRouter(kubernetes, NODE_NAME)).end
}
