import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { buildGoPrograms, downloadGoModule } from '../go-program.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { type Kubelet, startKubelet } from './docker-kubelet.ts'
import { deployDataPlane } from './knative-data-plane.ts'
import {
  buildKubernetesPrograms,
  createCustomResourceDefinitions,
  type KubernetesServer,
  type RunningProgram,
  SERVING_VERSION,
  startProgram,
} from './kubernetes.ts'

/** The versions in the go.mod of serving v0.50.0. */
const NETWORKING_MODULE = 'knative.dev/networking@v0.0.0-20260727162500-c7a7b772cac9'
const CACHING_MODULE = 'knative.dev/caching@v0.0.0-20260727161800-0edbf88bc267'
const KWOK_VERSION = 'v0.7.0'
/** The node that runs pods as containers. */
export const NODE_NAME = 'box'
const KNATIVE_NAMESPACE = 'knative-serving'
const INGRESSES_PATH = '/apis/networking.internal.knative.dev/v1alpha1/namespaces/openfaas-fn/ingresses'
const MERGE_PATCH_TYPE = 'application/merge-patch+json'
const POLL_INTERVAL_MS = 100
const START_TIMEOUT_MS = 60_000

/** Differences from Knative's defaults. Knative assumes only for images of this registry that they exist. */
const CONFIG_MAP_OVERRIDES: Record<string, Record<string, string>> = {
  'config-features': {
    'kubernetes.podspec-nodeselector': 'enabled',
    'kubernetes.podspec-tolerations': 'enabled',
  },
  'config-deployment': {
    'registries-skipping-tag-resolving': 'registry.example',
    'queue-sidecar-image': 'registry.example/queue',
  },
}

export type Knative = {
  /** A node with 8 cores and 16 GiB that KWOK keeps ready; `gpus` have a taint like that of NVIDIA's operator. */
  addNode(name: string, options?: { labels?: Record<string, string>; gpus?: number }): Promise<void>
  /** Adds a line to the log that all containers on these nodes share. */
  appendLog(line: string): Promise<void>
  /** Restarts the nodes' kubelets, which ends every log stream. */
  restartKubelets(): Promise<void>
  /** Changes a ConfigMap of Knative. */
  patchConfigMap(name: string, data: Record<string, string>): Promise<void>
  close(): Promise<void>
}

/** The parts that make requests and pods real: a network, and the image with Knative's programs for it. */
export type DataPlane = { network: ClusterNetwork; image: string }

/**
 * Starts Knative Serving's own controller, autoscaler and admission webhook on an API server, with Kubernetes'
 * controllers and scheduler. With a data plane there are Kourier and one node that runs pods as containers. Without
 * one, KWOK reports pods on its nodes as running, and this function reports routes as ready. Needs port 8080, which the
 * controller uses for probes. Errors: `unavailable`.
 */
export async function startKnative(kubernetes: KubernetesServer, dataPlane?: DataPlane): Promise<Knative> {
  const { api, kubeconfig } = kubernetes
  const [programs, serving] = [await buildKubernetesPrograms(), await buildServingPrograms()]
  const source = await downloadGoModule(`knative.dev/serving@${SERVING_VERSION}`)
  const create = async (path: string, object: unknown) => {
    const answer = await api('POST', path, object as object)
    if (!answer.ok) throw new LaresError('unavailable', `${path}: ${await answer.text()}`)
  }
  await createCustomResourceDefinitions(api, NETWORKING_MODULE, 'config')
  await createCustomResourceDefinitions(api, CACHING_MODULE, 'config')
  for (const { data, metadata } of await readConfigMaps(source))
    await create(`/api/v1/namespaces/${KNATIVE_NAMESPACE}/configmaps`, {
      metadata: { name: metadata.name, labels: metadata.labels },
      data: {
        ...data,
        ...CONFIG_MAP_OVERRIDES[metadata.name],
        ...(dataPlane && dataPlaneSettings(dataPlane)[metadata.name]),
      },
    })
  const port = await freePort()
  // With this name the API server finds the webhook outside of the cluster.
  const spec = { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] }
  await create(`/api/v1/namespaces/${KNATIVE_NAMESPACE}/services`, { metadata: { name: 'webhook' }, spec })
  for (const secret of await readYamlDocuments(join(source, 'config/core/webhooks/secret.yaml')))
    await create(`/api/v1/namespaces/${KNATIVE_NAMESPACE}/secrets`, secret)

  const home = await mkdtemp(join(tmpdir(), 'lares-knative-'))
  const environment = (name: string) => ({
    KUBECONFIG: kubeconfig,
    SYSTEM_NAMESPACE: KNATIVE_NAMESPACE,
    POD_NAME: `${name}-0`,
    // An address that EndpointSlices accept; nobody calls it.
    POD_IP: '10.0.0.9',
    CONFIG_LOGGING_NAME: 'config-logging',
    CONFIG_OBSERVABILITY_NAME: 'config-observability',
    METRICS_PROMETHEUS_PORT: '0',
    PROFILING_PORT: '0',
    WEBHOOK_NAME: 'webhook',
    WEBHOOK_PORT: String(port),
  })
  const controllerFlags = ['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0']
  const running: RunningProgram[] = []
  const run = async (folder: string, name: string, args: string[] = []) => {
    const program = await startProgram(join(folder, name), home, name, args, environment(name))
    running.push(program)
    return program
  }
  const logFile = join(home, 'said.log')
  const kubeletPort = await freePort()
  const startKubelets = async () =>
    await run(await buildKwok(), 'kwok', [
      ...['--kubeconfig', kubeconfig, '--manage-all-nodes', '--config', join(home, 'kwok.yaml')],
      // Otherwise Kubernetes counts its nodes as lost after 40 s.
      '--node-lease-duration-seconds=40',
      ...['--node-ip', '127.0.0.1', '--node-port', String(kubeletPort)],
      ...['--server-address', `127.0.0.1:${kubeletPort}`],
      ...['--tls-cert-file', kubernetes.certificate.cert],
      ...['--tls-private-key-file', kubernetes.certificate.key],
    ])
  let kubelet: RunningProgram
  let isClosed = false
  let ingressLoop: Promise<void> | undefined
  let node: Kubelet | undefined
  const close = async () => {
    isClosed = true
    await ingressLoop
    await Promise.all(running.map(program => program.end()))
    await node?.close()
    await rm(home, { recursive: true, force: true })
  }
  try {
    await run(programs, 'kube-controller-manager', controllerFlags)
    await run(programs, 'kube-scheduler', controllerFlags)
    await writeFile(logFile, '')
    await writeFile(join(home, 'kwok.yaml'), JSON.stringify(kwokLogConfig(logFile)))
    if (!dataPlane) kubelet = await startKubelets()
    for (const name of ['controller', 'webhook', ...(dataPlane ? [] : ['autoscaler'])])
      await run(serving, name)
    for (const file of ['defaulting', 'resource-validation', 'configmap-validation'])
      for (const webhook of await readYamlDocuments(join(source, `config/core/webhooks/${file}.yaml`))) {
        for (const { clientConfig } of webhook.webhooks) clientConfig.service.port = port
        await create(`/apis/admissionregistration.k8s.io/v1/${webhook.kind.toLowerCase()}s`, webhook)
      }
    await untilWebhookReady(api, running)
    if (dataPlane) {
      node = await startKubelet(NODE_NAME, kubernetes, dataPlane.network, kubeconfig)
      await deployDataPlane(api, dataPlane.image)
    } else ingressLoop = runFakeIngressController(api, () => isClosed)
  } catch (error) {
    await close()
    throw error
  }
  return {
    addNode: (name, { labels = {}, gpus = 0 } = {}) => {
      const capacity = {
        cpu: '8',
        memory: '16Gi',
        pods: '110',
        ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }),
      }
      return create('/api/v1/nodes', {
        metadata: {
          name,
          labels: { 'kubernetes.io/hostname': name, ...labels },
          annotations: { 'kwok.x-k8s.io/node': 'fake' },
        },
        spec: { taints: gpus > 0 ? [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }] : [] },
        status: { allocatable: capacity, capacity },
      })
    },
    // The format of container runtimes.
    appendLog: line => appendFile(logFile, `${new Date().toISOString()} stdout F ${line}\n`),
    async restartKubelets() {
      await kubelet.end()
      running.splice(running.indexOf(kubelet), 1)
      kubelet = await startKubelets()
    },
    async patchConfigMap(name, data) {
      const answer = await api(
        'PATCH',
        `/api/v1/namespaces/${KNATIVE_NAMESPACE}/configmaps/${name}`,
        { data },
        MERGE_PATCH_TYPE,
      )
      if (!answer.ok) throw new LaresError('unavailable', `${name}: ${await answer.text()}`)
    },
    close,
  }
}

const dataPlaneSettings = ({ image }: DataPlane): Record<string, Record<string, string>> => ({
  'config-network': { 'ingress-class': 'kourier.ingress.networking.knative.dev' },
  'config-deployment': { 'queue-sidecar-image': image },
})

/** KWOK's configuration: the file that is the log of every container. */
const kwokLogConfig = (logsFile: string) => ({
  kind: 'ClusterLogs',
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  metadata: { name: 'all' },
  spec: { logs: [{ logsFile, follow: true }] },
})

const buildServingPrograms = () =>
  buildGoPrograms({
    name: 'knative-serving',
    module: 'knative.dev/serving',
    programs: { controller: './cmd/controller', autoscaler: './cmd/autoscaler', webhook: './cmd/webhook' },
    version: SERVING_VERSION,
    // In a pod of its own the autoscaler has all ports; here the controller uses this one.
    edits: [
      { file: 'cmd/autoscaler/main.go', from: 'statsServerAddr = ":8080"', to: 'statsServerAddr = ":0"' },
    ],
    buildDuration: 'about three minutes',
  })

async function buildKwok(): Promise<string> {
  return await buildGoPrograms({
    name: 'kwok',
    module: 'sigs.k8s.io/kwok',
    programs: { kwok: './cmd/kwok' },
    version: KWOK_VERSION,
    buildDuration: 'about two minutes',
  })
}

// biome-ignore lint/suspicious/noExplicitAny: YAML of Knative's own.
const readYamlDocuments = async (file: string): Promise<any[]> =>
  parseAllDocuments(await readFile(file, 'utf8'))
    .map(document => document.toJS())
    .filter(Boolean)

type ConfigMap = {
  metadata: { name: string; labels?: Record<string, string> }
  data?: Record<string, string>
}

async function readConfigMaps(source: string): Promise<ConfigMap[]> {
  const folder = join(source, 'config/core/configmaps')
  const names = (await readdir(folder)).filter(name => name.endsWith('.yaml'))
  const network = join(await downloadGoModule(NETWORKING_MODULE), 'config/config-network.yaml')
  const files = [...names.map(name => join(folder, name)), network]
  return (await Promise.all(files.map(readYamlDocuments))).flat()
}

/**
 * Waits until the API server calls the webhook and the webhook answers. It tries a Service that the webhook must
 * reject.
 */
async function untilWebhookReady(api: KubernetesServer['api'], running: RunningProgram[]): Promise<void> {
  const path = '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services?dryRun=All'
  const invalidService = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'wrong' },
    spec: { template: { spec: { containers: [{ name: 'without-image' }] } } },
  }
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const text = await (await api('POST', path, invalidService)).text()
    if (text.includes('missing field')) return
    const exited = running.find(part => part.hasExited())
    if (exited || performance.now() > deadline)
      throw new LaresError('unavailable', `Knative did not start: ${(await exited?.output()) ?? text}`)
    await wait(POLL_INTERVAL_MS)
  }
}

type Ingress = { metadata: { name: string; generation: number }; status?: { observedGeneration?: number } }

/** Reports the status that a networking layer such as Kourier reports for each route. */
async function runFakeIngressController(api: KubernetesServer['api'], isOver: () => boolean): Promise<void> {
  const transition = { lastTransitionTime: new Date().toISOString() }
  const conditions = ['Ready', 'NetworkConfigured', 'LoadBalancerReady'].map(type => ({
    type,
    status: 'True',
    ...transition,
  }))
  const loadBalancer = { ingress: [{ domainInternal: 'ingress.knative-serving.svc.cluster.local' }] }
  while (!isOver()) {
    const answer = await api('GET', INGRESSES_PATH).catch(() => undefined)
    const { items } = answer?.ok ? ((await answer.json()) as { items: Ingress[] }) : { items: [] }
    for (const { metadata, status } of items) {
      if (status?.observedGeneration === metadata.generation) continue
      const seen = {
        observedGeneration: metadata.generation,
        conditions,
        publicLoadBalancer: loadBalancer,
        privateLoadBalancer: loadBalancer,
      }
      await api('PATCH', `${INGRESSES_PATH}/${metadata.name}/status`, { status: seen }, MERGE_PATCH_TYPE)
    }
    await wait(POLL_INTERVAL_MS)
  }
}
