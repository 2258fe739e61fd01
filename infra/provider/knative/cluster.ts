import type { Writable } from 'node:stream'
import type * as kubernetes from '@kubernetes/client-node'
import { LaresError } from '../../../shared/base/errors.ts'
import { loadOptional } from '../../../shared/base/optional-package.ts'

/** The owner of the fields that the provider sets by server-side apply. */
const FIELD_MANAGER = 'lares'
/** The client's fallback when it finds no configuration. */
const CLIENT_DEFAULT_SERVER = 'http://localhost:8080'
const SERVING_API_VERSION = 'serving.knative.dev/v1'

export type Metadata = {
  name: string
  namespace?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  resourceVersion?: string
  generation?: number
  creationTimestamp?: Date | string
}
export type Condition = { type: string; status: string; reason?: string; message?: string }
export type PartialObject = { apiVersion: string; kind: string; metadata: object }
export type StoredObject = { apiVersion?: string; kind?: string; metadata: Metadata }
export type Service = StoredObject & {
  spec: { template: { metadata?: { annotations?: Record<string, string> } } }
  status?: {
    observedGeneration?: number
    conditions?: Condition[]
    url?: string
    address?: { url?: string }
    latestReadyRevisionName?: string
    latestCreatedRevisionName?: string
  }
}
export type Pod = StoredObject & {
  status?: { phase?: string; conditions?: Condition[]; containerStatuses?: ContainerStatus[] }
}
export type ContainerStatus = {
  name: string
  ready: boolean
  restartCount: number
  lastState?: { terminated?: { exitCode: number; reason?: string; message?: string } }
}
export type Node = StoredObject & { status?: { allocatable?: Record<string, string> } }

/**
 * The parts of the Kubernetes API that the backend needs. Errors: `invalid_request` with the API server's reason,
 * `not_found`, `unavailable`.
 */
export type Cluster = {
  namespace: string
  /**
   * Server-side apply: sets the fields of the object and leaves those of others. With `dryRun` the API server checks it
   * without storing it.
   */
  apply(object: PartialObject, how?: { manager?: string; dryRun?: boolean }): Promise<StoredObject>
  read<T extends StoredObject>(object: PartialObject): Promise<T>
  list<T extends StoredObject>(apiVersion: string, kind: string, labels?: string): Promise<T[]>
  /** Does nothing when the object does not exist. */
  remove(object: PartialObject): Promise<void>
  /** Follows these objects until `close`. Resolves when the first list has arrived. */
  watch<T extends StoredObject>(what: WatchTarget, onChange: () => void): Promise<{ all(): T[] }>
  /** Writes the log as it arrives, and closes `into` when the log ends or breaks off. */
  streamLog(pod: string, into: Writable, options: kubernetes.LogOptions): Promise<AbortController>
  close(): Promise<void>
}

export type WatchTarget = { apiVersion: string; kind: string; plural: string; labels: string }

/**
 * Opens the cluster that kubectl would use: KUBECONFIG, `~/.kube/config`, or the account of the pod that this runs in.
 * Errors: `invalid_config` without a configuration; `unavailable`, also when the cluster has no Knative Serving.
 */
export async function openCluster(namespace: string): Promise<Cluster> {
  // Loaded only here: it takes a second and 60 MB.
  const k8s = await loadOptional(() => import('@kubernetes/client-node'))
  const config = loadKubeConfig(k8s)
  const objects = k8s.KubernetesObjectApi.makeApiClient(config)
  const informers: kubernetes.Informer<kubernetes.KubernetesObject>[] = []
  let isClosed = false

  const list = async <T extends StoredObject>(apiVersion: string, kind: string, labels?: string) => {
    const response = await objects
      .list(apiVersion, kind, namespaced(kind), undefined, undefined, undefined, undefined, labels)
      .catch(throwApiError(`${kind}s`))
    return response as unknown as kubernetes.KubernetesListObject<kubernetes.KubernetesObject> & {
      items: T[]
    }
  }
  const namespaced = (kind: string) => (kind === 'Node' ? undefined : namespace)

  const cluster: Cluster = {
    namespace,
    async apply(object, { manager = FIELD_MANAGER, dryRun = false } = {}) {
      const applied = await objects
        .patch(
          object as kubernetes.KubernetesObject,
          undefined,
          dryRun ? 'All' : undefined,
          manager,
          true,
          k8s.PatchStrategy.ServerSideApply,
        )
        .catch(throwApiError(describeObject(object)))
      return applied as unknown as StoredObject
    },
    read: async <T extends StoredObject>(object: PartialObject) =>
      (await objects.read(object as never).catch(throwApiError(describeObject(object)))) as unknown as T,
    list: async (apiVersion, kind, labels) => (await list<never>(apiVersion, kind, labels)).items,
    async remove(object) {
      await objects.delete(object as kubernetes.KubernetesObject).catch(error => {
        if (error.code !== 404) throwApiError(describeObject(object))(error)
      })
    },
    async watch<T extends StoredObject>(
      { apiVersion, kind, plural, labels }: WatchTarget,
      onChange: () => void,
    ) {
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      const path = `${root}/namespaces/${namespace}/${plural}`
      const informer = k8s.makeInformer(config, path, () => list<never>(apiVersion, kind, labels), labels)
      informers.push(informer)
      informer.on('add', onChange)
      informer.on('update', onChange)
      informer.on('delete', onChange)
      informer.on('error', () => {
        // The API server was unreachable, or no longer knew the watch's position. The informer reads the list again.
        if (!isClosed)
          setTimeout(() => isClosed || void informer.start().catch(() => undefined), 1_000).unref()
      })
      await informer.start()
      return { all: () => informer.list(namespace) as unknown as T[] }
    },
    streamLog(pod, sink, options) {
      // The client does not handle the error when reading breaks off or is aborted, which would end this process.
      sink.once('pipe', (source: NodeJS.ReadableStream) => source.once('error', () => sink.destroy()))
      return new k8s.Log(config)
        .log(namespace, pod, 'function', sink as never, options)
        .catch(throwApiError(`the log of ${pod}`))
    },
    async close() {
      isClosed = true
      await Promise.all(informers.map(informer => informer.stop()))
    },
  }
  await checkKnativeInstalled(cluster)
  return cluster
}

function loadKubeConfig(k8s: typeof kubernetes): kubernetes.KubeConfig {
  const config = new k8s.KubeConfig()
  try {
    config.loadFromDefault()
  } catch (cause) {
    throw new LaresError('invalid_config', `the kubeconfig cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
  const server = config.getCurrentCluster()?.server
  if (server !== undefined && server !== CLIENT_DEFAULT_SERVER) return config
  throw new LaresError('invalid_config', 'no cluster is known: set KUBECONFIG, or run inside of one')
}

async function checkKnativeInstalled(cluster: Cluster): Promise<void> {
  try {
    await cluster.list(SERVING_API_VERSION, 'Service')
  } catch (cause) {
    const { code, message } = cause as LaresError
    const unknown = code === 'not_found' || /Unrecognized API version/.test(message)
    const remedy = unknown ? 'it has no Knative Serving; install it (docs/cluster.md)' : message
    throw new LaresError('unavailable', `the cluster cannot be used: ${remedy}`, { cause })
  }
}

const describeObject = ({ kind, metadata }: PartialObject): string => `${kind} ${(metadata as Metadata).name}`

/** Throws the API server's own message, which names the field. */
const throwApiError =
  (target: string) =>
  (cause: Error & { code?: unknown; body?: unknown }): never => {
    const reason = apiErrorReason(cause)
    if (cause.code === 404) throw new LaresError('not_found', `${target}: ${reason}`, { cause })
    if (cause.code === 401 || cause.code === 403)
      throw new LaresError('forbidden', `${target}: the cluster does not allow it: ${reason}`, { cause })
    const isFinal =
      (typeof cause.code === 'number' && cause.code >= 400 && cause.code < 500 && cause.code !== 429) ||
      // For a field of the wrong type the API server answers 500.
      /failed to create typed patch object/.test(reason)
    throw new LaresError(isFinal ? 'invalid_request' : 'unavailable', `${target}: ${reason}`, { cause })
  }

function apiErrorReason({ body, message }: { body?: unknown; message: string }): string {
  try {
    const status = typeof body === 'string' ? JSON.parse(body) : body
    return typeof status?.message === 'string' ? status.message : message
  } catch {
    return String(body)
  }
}
