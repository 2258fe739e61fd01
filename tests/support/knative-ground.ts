import type { V1Pod } from '@kubernetes/client-node'
import { openClusterNetwork } from './cluster-network.ts'
import { startClusterProvider } from './cluster-provider.ts'
import { type DockerMachine, startDocker } from './docker.ts'
import { startKnative } from './knative.ts'
import { dataPlaneImage } from './knative-data-plane.ts'
import { type KubernetesServer, startKubernetes } from './kubernetes.ts'
import { killContainer } from './pod-container.ts'

export type KnativeGround = {
  machine: DockerMachine
  kubernetes: KubernetesServer
  /** Starts the provider of the cluster; `environment` is what it is told of services. */
  startProvider(port: number, environment?: Record<string, string>): ReturnType<typeof startClusterProvider>
  /** Pods of a function, but for those that end: they go on answering for half a minute what they have been given. */
  podsOf(name: string): Promise<V1Pod[]>
  /** kill -9 of its containers. */
  kill(name: string): Promise<void>
  close(): Promise<void>
}

/** Knative with all that requests pass through (Kourier, Envoy, activator, queue-proxy), and pods that are containers. */
export async function startKnativeGround(): Promise<KnativeGround> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const one of closing.toReversed()) await one()
  }
  try {
    const machine = await startDocker()
    closing.push(machine.close)
    const image = await dataPlaneImage(machine)
    const kubernetes = await startKubernetes(machine.host)
    closing.push(kubernetes.close)
    const network = await openClusterNetwork(kubernetes.api)
    closing.push(network.close)
    const knative = await startKnative(kubernetes, { network, image })
    closing.push(knative.close)
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
          image: machine.base.base,
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
